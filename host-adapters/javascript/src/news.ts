// What the meta tables' database tells of new rows, and what waits for it.

import type { Database } from "./database.js";
import { sleep } from "./sleep.js";

/** How often something was told on a channel; whoever waits compares it with what it has heard before. */
class Channel {
  told = 0;
  isHeard = false;
  #wake: (() => void)[] = [];

  tell(): void {
    this.told += 1;
    for (const wake of this.#wake.splice(0)) wake();
  }

  async waitFor(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
    const either = new AbortController();
    const end = () => either.abort();
    signal?.addEventListener("abort", end);
    if (signal?.aborted) end();
    this.#wake.push(end);
    await sleep(milliseconds, either.signal);
    signal?.removeEventListener("abort", end);
    this.#wake = this.#wake.filter((wake) => wake !== end);
  }
}

/** The news of a database, by channel. */
export class News {
  readonly #database: Database;
  readonly #channels = new Map<string, Channel>();

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * Waits for so many milliseconds at most, or until more was told on the channel than was `heard`, and gives how much that
   * is now. Where it only begins to listen, it does not wait: something may have come before.
   */
  async wait(
    channelName: string | undefined,
    heard: number,
    milliseconds: number,
    signal: AbortSignal | undefined,
  ): Promise<number> {
    const channel = channelName === undefined ? undefined : await this.#channel(channelName);
    if (channel === undefined) {
      await sleep(milliseconds, signal);
      return heard;
    }
    if (channel.told === heard) await channel.waitFor(milliseconds, signal);
    return channel.told;
  }

  /** A channel that is listened to; none where that is not possible: the clock wakes too. */
  async #channel(name: string): Promise<Channel | undefined> {
    const { listen } = this.#database;
    if (listen === undefined) return undefined;
    const channel = this.#channels.get(name) ?? new Channel();
    this.#channels.set(name, channel);
    if (channel.isHeard) return channel;
    // What comes while it connects is told to whoever listens already.
    channel.isHeard = true;
    const lost = () => {
      channel.isHeard = false;
      channel.tell();
    };
    try {
      await listen.call(this.#database, name, () => channel.tell(), lost);
      channel.tell();
      return channel;
    } catch {
      channel.isHeard = false;
      return undefined;
    }
  }
}
