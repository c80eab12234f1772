// Makes calls: their turn, an instance of the planner, the statements.

import { ClaimQueues } from "./claim-queue.js";
import type { Databases } from "./database.js";
import { errorOf, type LossError } from "./errors.js";
import { keepAlive } from "./heartbeat.js";
import type { Host, MakePlanner, Planner } from "./planner/planner.js";
import type { Inventory, Operation } from "./planner/wit.js";
import { sleep } from "./sleep.js";

/** The most calls at once; others wait. Each has an instance to itself. */
const maxCalls = 16;

/** The longest pause that the planner is granted. */
const maxPauseMilliseconds = 1_000;

/** What makes calls, in this thread or in another. */
export interface Engine {
  /**
   * Makes a call. One that is aborted ends before its next statement; the one that is under way is waited for, so
   * that whatever it did is known.
   */
  call(operation: Operation, parameters: unknown[], signal?: AbortSignal): Promise<unknown>;
  /** Prolongs a lease, of which so many milliseconds are left, in the background until it is told to stop, by what it gives. */
  keepAlive(
    claimToken: string,
    leaseSeconds: number,
    left: number,
    lost: (error: LossError) => void,
  ): () => void;
  close(): Promise<void>;
}

/** Makes calls in this thread. */
export class LocalEngine implements Engine {
  readonly #databases: Databases;
  readonly #makePlanner: MakePlanner;
  readonly #claims = new ClaimQueues();
  readonly #planners = new Set<Planner>();
  readonly #idle: Planner[] = [];
  readonly #waiting: (() => void)[] = [];
  #calls = 0;
  #isClosed = false;

  constructor(databases: Databases, makePlanner: MakePlanner) {
    this.#databases = databases;
    this.#makePlanner = makePlanner;
  }

  async call(operation: Operation, parameters: unknown[], signal?: AbortSignal): Promise<unknown> {
    const endTurn = await this.#claimTurn(operation, parameters);
    try {
      return await this.#withPlanner((planner) => {
        signal?.throwIfAborted();
        return planner.call(operation, parameters, this.#host(signal));
      });
    } finally {
      endTurn();
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

  /** Waits for the turn among the claims of a job, if it is one. */
  async #claimTurn(operation: Operation, parameters: unknown[]): Promise<() => void> {
    if (operation !== "acquire" && operation !== "acquireMany") return () => {};
    const { metaTable, job } = parameters[0] as Inventory.AcquireRequest;
    return this.#claims.turn(metaTable, job);
  }

  async #withPlanner<T>(work: (planner: Planner) => Promise<T>): Promise<T> {
    if (this.#calls === maxCalls) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#calls += 1;
    try {
      const planner = await this.#takePlanner();
      try {
        return await work(planner);
      } finally {
        if (planner.isBroken) this.#planners.delete(planner);
        else this.#idle.push(planner);
      }
    } finally {
      // Whoever waits takes over the place.
      const next = this.#waiting.shift();
      if (next === undefined) this.#calls -= 1;
      else next();
    }
  }

  async #takePlanner(): Promise<Planner> {
    if (this.#isClosed) throw errorOf("closed", "the inventory is closed; open it again");
    const idle = this.#idle.pop();
    if (idle !== undefined) return idle;
    const planner = await this.#makePlanner(this.#databases.settings);
    this.#planners.add(planner);
    return planner;
  }

  #host(signal: AbortSignal | undefined): Host {
    return {
      query: async (source, statement, parameters) => {
        if (signal?.aborted) return { error: { tag: "unavailable", val: "the call was aborted" } };
        return this.#databases.query(source, statement, parameters);
      },
      pause: (milliseconds) => sleep(Math.min(milliseconds, maxPauseMilliseconds), signal),
    };
  }
}
