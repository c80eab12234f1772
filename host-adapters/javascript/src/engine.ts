// Makes calls: their turn, an instance of the planner, the statements.

import { ClaimQueues } from "./claim-queue.js";
import type { Source, Value } from "./database.js";
import type { Answer, Databases } from "./databases.js";
import { errorOf, type LossError } from "./errors.js";
import { keepAlive } from "./heartbeat.js";
import type { Host, MakePlanner, Planner } from "./planner/planner.js";
import type { Operation } from "./planner/wit.js";
import { sleep } from "./sleep.js";

/** The most calls at once; others wait. Each has an instance to itself. */
const maxCalls = 16;

/** The most claims under way, with those that wait for their turn, which have an instance, but no place among the calls. */
const maxClaims = 32;

/** The operations that claim. */
const claims: ReadonlySet<Operation> = new Set(["acquire", "acquireMany", "advance"]);

/** The longest pause that the planner is granted. */
const maxPauseMilliseconds = 1_000;

/** What makes calls, in this thread or in another. */
export interface Engine {
  /**
   * Makes a call. One that is aborted ends before its next statement; the one that is under way is waited for, so
   * that whatever it did is known.
   */
  call(operation: Operation, parameters: unknown[], signal?: AbortSignal): Promise<unknown>;
  /**
   * Waits for new rows of a meta table: so many milliseconds at most, or until more was told of them than was `heard`. Gives
   * how much that is now.
   */
  wait(metaTable: string, heard: number, milliseconds: number, signal?: AbortSignal): Promise<number>;
  /** Runs a statement that only reads, without a planner. */
  query(source: Source, statement: string, parameters: Value[]): Promise<Answer>;
  /** Prolongs a lease, of which so many milliseconds are left, in the background until it is told to stop, by what it gives. */
  keepAlive(
    claimToken: string,
    leaseSeconds: number,
    left: number,
    lost: (error: LossError) => void,
  ): () => void;
  close(): Promise<void>;
}

/** Places for so many at once; others wait, first come, first served. */
class Places {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(places: number) {
    this.#free = places;
  }

  async take(): Promise<void> {
    if (this.#free === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#free -= 1;
  }

  giveBack(): void {
    // Whoever waits takes over the place.
    const next = this.#waiting.shift();
    if (next === undefined) this.#free += 1;
    else next();
  }
}

/** Why nothing is done any more. */
function isClosed(): Error {
  return errorOf("closed", "the inventory is closed; open it again");
}

/** Makes calls in this thread. */
export class LocalEngine implements Engine {
  readonly #databases: Databases;
  readonly #makePlanner: MakePlanner;
  readonly #claims = new ClaimQueues();
  readonly #planners = new Set<Planner>();
  readonly #idle: Planner[] = [];
  readonly #channels = new Map<string, string | undefined>();
  readonly #places = new Places(maxCalls);
  readonly #claimPlaces = new Places(maxClaims);
  #isClosed = false;

  constructor(databases: Databases, makePlanner: MakePlanner) {
    this.#databases = databases;
    this.#makePlanner = makePlanner;
  }

  async call(operation: Operation, parameters: unknown[], signal?: AbortSignal): Promise<unknown> {
    const places = claims.has(operation) ? this.#claimPlaces : undefined;
    await places?.take();
    try {
      return await this.#withPlanner((planner) => this.#callOn(planner, operation, parameters, signal));
    } finally {
      places?.giveBack();
    }
  }

  async #callOn(
    planner: Planner,
    operation: Operation,
    parameters: unknown[],
    signal?: AbortSignal,
  ): Promise<unknown> {
    signal?.throwIfAborted();
    let isOver = false;
    let endTurn = () => {};
    const takeTurn = async (scope: string) => {
      // Whoever has one turn must not wait for another.
      endTurn();
      // Meanwhile others may be called: it may be one of them whose end is waited for.
      this.#places.giveBack();
      endTurn = await this.#claims.turn(scope);
      await this.#places.take();
      // It may have broken down meanwhile.
      if (isOver) endTurn();
    };
    try {
      return await planner.call(operation, parameters, this.#host(takeTurn, signal));
    } finally {
      isOver = true;
      endTurn();
    }
  }

  async wait(metaTable: string, heard: number, milliseconds: number, signal?: AbortSignal): Promise<number> {
    return this.#databases.news.wait(await this.#channelOf(metaTable), heard, milliseconds, signal);
  }

  /** The channel on which new rows of a meta table are told, if there is one; asked once. */
  async #channelOf(metaTable: string): Promise<string | undefined> {
    if (!this.#channels.has(metaTable)) {
      try {
        const channel = (await this.call("notifications", [metaTable])) as { name: string } | undefined;
        this.#channels.set(metaTable, channel?.name);
      } catch {
        return undefined; // The clock wakes too.
      }
    }
    return this.#channels.get(metaTable);
  }

  async query(source: Source, statement: string, parameters: Value[]): Promise<Answer> {
    if (this.#isClosed) throw isClosed();
    await this.#places.take();
    try {
      return await this.#databases.query(source, statement, parameters);
    } finally {
      this.#places.giveBack();
    }
  }

  keepAlive(
    claimToken: string,
    leaseSeconds: number,
    left: number,
    lost: (error: LossError) => void,
  ): () => void {
    return keepAlive(leaseSeconds, left, () => this.call("heartbeat", [claimToken, leaseSeconds]), lost);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const planner of this.#planners) planner.close();
    await this.#databases.close();
  }

  async #withPlanner<T>(work: (planner: Planner) => Promise<T>): Promise<T> {
    await this.#places.take();
    try {
      const planner = await this.#takePlanner();
      try {
        return await work(planner);
      } finally {
        if (planner.isBroken) this.#planners.delete(planner);
        else this.#idle.push(planner);
      }
    } finally {
      this.#places.giveBack();
    }
  }

  async #takePlanner(): Promise<Planner> {
    if (this.#isClosed) throw isClosed();
    const idle = this.#idle.pop();
    if (idle !== undefined) return idle;
    const planner = await this.#makePlanner(this.#databases.settings);
    this.#planners.add(planner);
    return planner;
  }

  #host(claimTurn: Host["claimTurn"], signal: AbortSignal | undefined): Host {
    return {
      claimTurn,
      query: async (source, statement, parameters) => {
        if (signal?.aborted) return { error: { tag: "unavailable", val: "the call was aborted" } };
        return this.#databases.query(source, statement, parameters);
      },
      pause: (milliseconds) => sleep(Math.min(milliseconds, maxPauseMilliseconds), signal),
    };
  }
}
