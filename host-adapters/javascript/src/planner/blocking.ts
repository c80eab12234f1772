// The planner in a thread of its own, which blocks while its host answers.

import type { Source, Value } from "../database.js";
import { errorOf, type Failure, UnsupportedError } from "../errors.js";
import { answerMemory, giveAnswer } from "./answer.js";
import { type Host, type MakePlanner, type Modules, trap } from "./planner.js";
import type { StartThread, Thread } from "./thread.js";
import type { Database, Operation } from "./wit.js";

/** The first message to the thread. */
export interface Start {
  modules: Modules;
  settings: Database.DatabaseSettings;
  memory: SharedArrayBuffer;
}

/** All that follow. */
export interface Call {
  operation: Operation;
  parameters: unknown[];
}

/** What the thread asks, and waits for. */
export type Question = { query: [Source, string, Value[]] } | { pause: number } | { claimTurn: string };

/** What comes from the thread. */
export type Message = { ready: true } | Question | { value: unknown } | { error: Failure } | { trap: string };

interface Pending {
  host: Host;
  /** What an answer of its database that had no room said. */
  tooLarge?: string | undefined;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/**
 * Instances in threads. A call that computes for longer than `computeMilliseconds`, not counting the time that its
 * databases take, is ended with its thread.
 */
export function blockingPlanners(
  modules: Modules,
  startThread: StartThread,
  computeMilliseconds: number,
): MakePlanner {
  return async (settings) => {
    const memory = answerMemory();
    let isBroken = false;
    let pending: Pending | undefined;
    let clock: ReturnType<typeof setTimeout> | undefined;

    function give(host: Host): Promise<unknown> {
      return new Promise((resolve, reject) => {
        pending = { host, resolve, reject };
        thread.keepsProcessAlive(true);
      });
    }

    function end(by: (call: Pending) => void): void {
      clearTimeout(clock);
      thread.keepsProcessAlive(false);
      const call = pending;
      pending = undefined;
      if (call !== undefined) by(call);
    }

    function breakDown(error: unknown): void {
      isBroken = true;
      thread.terminate();
      end((call) => call.reject(error));
    }

    function startClock(): void {
      clock = setTimeout(() => {
        const seconds = computeMilliseconds / 1000;
        const message = `the planner component has used up its limit of ${seconds} s of computing; ask for less at once`;
        breakDown(errorOf("limit-reached", message));
      }, computeMilliseconds);
    }

    async function answer(message: Question): Promise<void> {
      const call = pending;
      if (call === undefined) return;
      const { host } = call;
      clearTimeout(clock);
      if ("query" in message) {
        const rows = await host.query(...message.query);
        startClock();
        call.tooLarge = giveAnswer(memory, rows);
      } else {
        if ("pause" in message) await host.pause(message.pause);
        else await host.claimTurn(message.claimTurn);
        startClock();
        giveAnswer(memory, { ok: { rows: [], affected: 0 } });
      }
    }

    function receive(message: Message): void {
      if ("query" in message || "pause" in message || "claimTurn" in message) void answer(message);
      else if ("trap" in message) breakDown(trap(message.trap));
      else if ("error" in message)
        end(({ reject, tooLarge }) => {
          const { code, message: words, facts } = message.error;
          reject(tooLarge === undefined ? errorOf(code, words, facts) : errorOf("limit-reached", tooLarge));
        });
      else end((call) => call.resolve("value" in message ? message.value : undefined));
    }

    const thread: Thread = startThread({
      message: (message) => receive(message as Message),
      error: (error) => breakDown(error instanceof UnsupportedError ? error : trap(error)),
    });
    const nothing: Host = {
      query: () => Promise.reject(),
      pause: () => Promise.resolve(),
      claimTurn: () => Promise.resolve(),
    };
    const ready = give(nothing);
    thread.post({ modules, settings, memory } satisfies Start);
    await ready;

    return {
      call(operation, parameters, host) {
        const answered = give(host);
        startClock();
        thread.post({ operation, parameters } satisfies Call);
        return answered;
      },
      get isBroken() {
        return isBroken;
      },
      close() {
        breakDown(errorOf("closed", "the inventory was closed while the call was under way"));
      },
    };
  };
}
