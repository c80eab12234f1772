// One batch after the other, each ended by the call that claims the next.

import type { Acquired, Batch, BatchSource, EndTaker } from "./batch.js";
import type { CallOptions } from "./call-options.js";
import { pauses, withoutLease } from "./ending.js";
import { BatchintoryError, messageOf } from "./errors.js";
import type { AcquireRequest, Outcome } from "./interface.js";
import { sleep } from "./sleep.js";

/** After so many milliseconds an end is sent by itself that waits for the next claim. */
const longestDelay = 1_000;

/** A batch that has succeeded, whose end is to be sent. */
interface Due {
  batch: Batch;
  outcome: Outcome;
}

/**
 * Claims batches, and takes their ends to be sent with the next claim. They are sent by themselves when it is closed, and
 * after a moment where no next batch is asked for.
 */
export class Loop implements EndTaker {
  readonly #inventory: BatchSource;
  readonly #request: AcquireRequest;
  readonly #options: CallOptions;
  #due: Due | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** An end that is being sent by itself, and what became of it. */
  #late: Promise<void> = Promise.resolve();
  #isClosed = false;
  /** Whether a claim was answered. */
  #hasReached = false;

  constructor(inventory: BatchSource, request: AcquireRequest, options: CallOptions) {
    this.#inventory = inventory;
    this.#request = request;
    this.#options = options;
  }

  /**
   * The next batch, or why there is none, once the one before has ended. Databases that were reached before are waited for
   * when they are away, as long as a lease lasts.
   */
  async next(): Promise<Acquired> {
    const { signal } = this.#options;
    await this.#settled();
    const latest = performance.now() + 1_000 * (this.#request.leaseSeconds ?? withoutLease);
    // The answer to a claim may be lost again and again: under one token they are all one claim.
    let claimToken: string | undefined;
    const growing = pauses();
    for (;;) {
      signal?.throwIfAborted();
      const acquired = await this.#endAndAcquire(this.#taken(), claimToken);
      if (!(acquired instanceof Error)) {
        this.#hasReached = true;
        acquired.batch?._in(this);
        return acquired;
      }
      signal?.throwIfAborted();
      const pause = growing.next().value;
      const isPatient = this.#hasReached && !this.#isClosed && performance.now() + pause < latest;
      if (!isPatient || acquired.code !== "unavailable") throw acquired;
      const seconds = (pause / 1000).toFixed(1);
      console.warn(
        `batchintory: no batch can be claimed now, which is tried again in ${seconds} s: ${messageOf(acquired)}`,
      );
      await sleep(pause, signal);
      claimToken ??= crypto.getRandomValues(new BigUint64Array(2)).join("-");
    }
  }

  /** Throws the error of the end, and gives that of the claim. */
  async #endAndAcquire(
    due: Due | undefined,
    claimToken: string | undefined,
  ): Promise<Acquired | BatchintoryError> {
    if (due !== undefined) {
      try {
        const acquired = await due.batch._endNoted(due.outcome, this.#request, this.#options);
        if (acquired !== undefined) return acquired;
      } catch (error) {
        // Whether it got through is not known.
        if (this.#options.signal?.aborted) this.#due = due;
        throw error;
      }
    }
    try {
      return await this.#inventory._advance(undefined, this.#request, { ...this.#options, claimToken });
    } catch (error) {
      if (error instanceof BatchintoryError) return error;
      throw error;
    }
  }

  /** Takes an end; `false`: it is to be sent by itself. */
  note(batch: Batch, outcome: Outcome): boolean {
    if (this.#isClosed || this.#due !== undefined) return false;
    this.#due = { batch, outcome };
    // Keeps the process alive: somebody waits for this end.
    this.#timer = setTimeout(() => {
      this._flush().catch((error) => {
        const { idStart, idEnd } = batch;
        console.warn(
          `batchintory: the batch of ids ${idStart} to ${idEnd} has not ended as it was to: ${messageOf(error)}`,
        );
      });
    }, longestDelay);
    return true;
  }

  /** @internal Sends the end that waits, if there is one. */
  _flush(): Promise<void> {
    const due = this.#taken();
    if (due === undefined) return this.#late;
    // After an abort there is no time to wait for a database that is away.
    const ended = due.batch._endNoted(due.outcome, undefined, {}, !this.#options.signal?.aborted);
    this.#late = ended.then(() => {});
    // It is told where the next batch is asked for, or at the end.
    this.#late.catch(() => {});
    return this.#late;
  }

  /** Sends the end that waits, and takes no other. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#settled();
    await this._flush();
  }

  /** What became of an end that was sent by itself; told once. */
  async #settled(): Promise<void> {
    const late = this.#late;
    this.#late = Promise.resolve();
    await late;
  }

  #taken(): Due | undefined {
    const due = this.#due;
    this.#due = undefined;
    clearTimeout(this.#timer);
    return due;
  }
}
