/// <reference lib="esnext.disposable" preserve="true" />
// A batch in the hands of its owner.

import { toOutcome } from "./boundary.js";
import type { AdvanceOptions, CallOptions } from "./call-options.js";
import { mayPass, tryAgain, withoutLease } from "./ending.js";
import { type BatchintoryError, LeaseOverError, type LossError, leaseOver } from "./errors.js";
import type { AcquireRequest, BatchRecord, Completion, Item, Nothing, Outcome } from "./interface.js";
import { ItemReader, type ItemSource } from "./item-reader.js";

/** How many items are asked for at once. */
const defaultPage = 5_000;

/** The most characters of an error that are kept; a log may have a MiB. */
const maxLog = 300_000;

/** How much of a lease that nobody prolongs is left at least where an end may come later, in milliseconds. */
const leastLease = 10_000;

/** A lease as its owner sees it. */
export interface Lease {
  /** How long it goes on from each sign of life. */
  seconds: number;
  /** When it is over, unless another sign of life gets through, by `performance.now()`. */
  until: number;
}

/** How items are fetched. */
export interface ItemOptions extends CallOptions {
  /** How many at once, 1 to 10,000; by default 5,000. */
  pageSize?: number;
}

/** The log of a batch that had nothing to process. */
const noItems = "no items: the rows of this range are gone";

/** What the function that processes a batch gets beside its items. */
export interface Processing {
  /** The batch. */
  batch: Batch;
  /**
   * Aborted when the batch was taken from its owner, the database has lost it, or no sign of life got through for as long
   * as its lease; and when the caller's own signal is.
   */
  signal: AbortSignal;
}

/** Reads a page behind an id; an empty one is the end. */
type ReadPage = (after: bigint | undefined, limit: number) => Promise<Item[]>;

/** The items of a batch, fetched by the page: to be iterated over, or all at once. */
export class Items implements AsyncIterable<Item> {
  readonly #begin: () => ReadPage;
  readonly #limit: number;
  readonly #idEnd: bigint;
  readonly #first: Item[];

  constructor(begin: () => ReadPage, limit: number, idEnd: bigint, first: Item[] = []) {
    this.#begin = begin;
    this.#limit = limit;
    this.#idEnd = idEnd;
    this.#first = first;
  }

  /** One item after the other. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Item, void, void> {
    for await (const page of this.pages()) yield* page;
  }

  /**
   * One page after the other: as many items as were asked for, or, where they have more than 2 KiB each, about a MiB of them.
   * The first ones came with the claim.
   */
  async *pages(): AsyncGenerator<Item[], void, void> {
    let last: bigint | undefined;
    for (let start = 0; start < this.#first.length; start += Math.max(this.#limit, 1)) {
      const page = this.#first.slice(start, start + Math.max(this.#limit, 1));
      last = page.at(-1)?.uid;
      yield page;
    }
    const read = this.#begin();
    while (last !== this.#idEnd) {
      const page = await read(last, this.#limit);
      last = page.at(-1)?.uid;
      if (last === undefined) return;
      yield page;
    }
  }

  /** All items. */
  async toArray(): Promise<Item[]> {
    const items: Item[] = [];
    for await (const page of this.pages()) for (const item of page) items.push(item);
    return items;
  }
}

/** What `acquire` gives: a batch, or why there is none. */
export type Acquired = { batch: Batch; nothing?: undefined } | { batch?: undefined; nothing: Nothing };

/** What a batch needs of the inventory that it comes from. */
export interface BatchSource extends ItemSource {
  heartbeat(claimToken: string, leaseSeconds: number, options?: CallOptions): Promise<void>;
  complete(claimToken: string, outcome: Outcome, options?: CallOptions): Promise<void>;
  release(claimToken: string, log: string | undefined, options?: CallOptions): Promise<void>;
  /** @internal */
  _advance(
    done: Completion | undefined,
    request: AcquireRequest,
    options: AdvanceOptions,
  ): Promise<Acquired | BatchintoryError>;
}

/** What may send a batch's end with the next claim: `false` where it does not. */
export interface EndTaker {
  note(batch: Batch, outcome: Outcome): boolean;
}

/**
 * A batch in the hands of its owner. It ends by `succeed`, `fail`, `release` or `process`; one that is left without an end
 * stays `running` in the inventory, until its lease is over if it has one.
 */
export class Batch implements AsyncDisposable {
  /** What was handed out. */
  readonly record: BatchRecord;
  /** Its first items, which came with the claim: at most a thousand, of less than a MiB together, or none. */
  readonly firstItems: Item[];
  readonly #inventory: BatchSource;
  readonly #lease: Lease | undefined;
  readonly #keepAlive: (left: number, lost: (error: LossError) => void) => () => void;
  /** How many keep the lease going, and what they were told. */
  #keepers = 0;
  #loss: LossError | undefined;
  /** The loop that may send its end with the next claim. */
  #loop: EndTaker | undefined;
  /** While the loop is to send its end: what is to be done afterwards. */
  #afterEnd: (() => void)[] | undefined;
  /** While it is being ended. */
  #isEnding = false;
  #hasEnded = false;

  /** Batches come from an inventory. */
  constructor(
    inventory: BatchSource,
    record: BatchRecord,
    lease: Lease | undefined,
    keepAlive: (left: number, lost: (error: LossError) => void) => () => void,
    firstItems: Item[],
  ) {
    this.#inventory = inventory;
    this.record = record;
    this.firstItems = firstItems;
    this.#lease = lease;
    this.#keepAlive = keepAlive;
  }

  /** The row's id in the inventory. */
  get id(): bigint {
    return this.record.id;
  }

  /** Names this attempt in later calls. */
  get claimToken(): string {
    return this.record.claimToken;
  }

  /** The id of the first item. */
  get idStart(): bigint {
    return this.record.idStart;
  }

  /** The id of the last item. */
  get idEnd(): bigint {
    return this.record.idEnd;
  }

  /** How many items it has. */
  get count(): number {
    return this.record.count;
  }

  /** What its items weigh together. */
  get weight(): number {
    return this.record.weight;
  }

  /** 1 for a new range. */
  get attempt(): number {
    return this.record.attempt;
  }

  /** How long its lease goes on from each sign of life; `undefined` where it has none. */
  get leaseSeconds(): number | undefined {
    return this.#lease?.seconds;
  }

  /** The items, in the order of their ids: `for await (const item of batch.items())`. */
  items({ pageSize = defaultPage, ...options }: ItemOptions = {}): Items {
    const pages = () => {
      const reader = new ItemReader(this.#inventory, this.claimToken, options);
      return (after: bigint | undefined, limit: number) => reader.read(after, limit);
    };
    return new Items(pages, pageSize, this.idEnd, this.firstItems);
  }

  /** A sign of life: the lease now ends `seconds` from now; by default as many as in the request. */
  async heartbeat(leaseSeconds?: number, options?: CallOptions): Promise<void> {
    const seconds = leaseSeconds ?? this.#lease?.seconds;
    if (seconds === undefined) return;
    const sent = performance.now();
    await this.#inventory.heartbeat(this.claimToken, seconds, options);
    if (this.#lease !== undefined) this.#lease.until = sent + seconds * 1000;
  }

  /**
   * Prolongs the lease in the background, in another thread where there is one, until what it gives is called.
   * Without a lease there is nothing to do. `lost` is told when the batch was taken from its owner, the database has lost
   * it, or no sign of life got through for as long as the lease.
   */
  keepAlive(lost: (error: LossError) => void = () => {}): () => void {
    const lease = this.#lease;
    if (lease === undefined) return () => {};
    let isKept = true;
    this.#keepers += 1;
    const stop = this.#keepAlive(lease.until - performance.now(), (error) => {
      // It may not run any more since it is being ended.
      if (this.#isEnding && !(error instanceof LeaseOverError)) return;
      this.#loss ??= error;
      lost(error);
    });
    const end = () => {
      if (!isKept) return;
      if (this.#afterEnd !== undefined) {
        this.#afterEnd.push(end);
        return;
      }
      isKept = false;
      this.#keepers -= 1;
      // How much of it is left is known elsewhere: until then a sign of life can tell.
      lease.until = Math.max(lease.until, performance.now() + (lease.seconds * 1000) / 3);
      stop();
    };
    return end;
  }

  /**
   * All items are processed, with this result: anything that JSON can hold, `bigint`s and `JsonNumber`s too. An end that
   * the database does not take is tried again while the lease holds, or for five minutes without one; then it throws the
   * last error, or a `LeaseOverError` where the lease is over. A batch of `Inventory.batches` is ended by the call that
   * claims the next one.
   */
  async succeed(result?: unknown, options?: CallOptions): Promise<void> {
    await this.#end({ succeeded: true, resultItem: result }, options);
  }

  /** The batch is given up, for this reason; an error is kept by its name and message. */
  async fail(reason?: unknown, options?: CallOptions): Promise<void> {
    const log = reason === undefined ? undefined : logOf(reason);
    await this.#end({ succeeded: false, log }, options);
  }

  /**
   * The batch is given back, for this reason, as by a worker that is told to stop: its range is handed out again at once,
   * and the attempt does not count towards `maxAttempts`. Unlike other ends it is tried once.
   */
  async release(reason?: unknown, options?: CallOptions): Promise<void> {
    this.#isEnding = true;
    try {
      const log = reason === undefined ? undefined : logOf(reason);
      await this.#inventory.release(this.claimToken, log, options);
    } catch (error) {
      this.#isEnding = false;
      throw error;
    }
    this.#hasEnded = true;
  }

  async #end(outcome: Outcome, options: CallOptions = {}): Promise<void> {
    options.signal?.throwIfAborted();
    if (outcome.succeeded && !this.#hasEnded && this.#note(outcome)) {
      this.#hasEnded = true;
      return;
    }
    await this.#send(outcome, options);
  }

  /** Whether the loop sends its end with the next claim. */
  #note(outcome: Outcome): boolean {
    // What cannot be written is told at once.
    toOutcome(outcome);
    const lease = this.#lease;
    const isShort =
      lease !== undefined && this.#keepers === 0 && lease.until - performance.now() < leastLease;
    if (isShort || this.#loop?.note(this, outcome) !== true) return false;
    this.#afterEnd = [];
    return true;
  }

  /** @internal Lets this loop send its end with the next claim. */
  _in(loop: EndTaker): void {
    this.#loop = loop;
  }

  /**
   * @internal Sends the end that a loop has taken, where a request is given with the claim of the next, or the error of that.
   * `undefined`: the next one is to be asked for.
   */
  async _endNoted(
    outcome: Outcome,
    request: AcquireRequest | undefined,
    options: CallOptions,
    waits = true,
  ): Promise<Acquired | BatchintoryError | undefined> {
    this.#hasEnded = false;
    try {
      if (request !== undefined) {
        this.#isEnding = true;
        try {
          const done = { claimToken: this.claimToken, outcome };
          const acquired = await this.#inventory._advance(done, request, options);
          this.#hasEnded = true;
          return acquired;
        } catch (error) {
          this.#isEnding = false;
          if (!mayPass(error)) throw error;
        }
      }
      await this.#send(outcome, options, waits);
    } catch (error) {
      if (isRefusedResult(error)) await this.#send({ succeeded: false, log: logOf(error) }, {});
      throw error;
    } finally {
      const after = this.#afterEnd ?? [];
      this.#afterEnd = undefined;
      for (const end of after) end();
    }
  }

  async #send(outcome: Outcome, options: CallOptions, waits = true): Promise<void> {
    const complete = () => this.#inventory.complete(this.claimToken, outcome, options);
    const lease = this.#lease;
    // Signs of life may get through where ends do not: that is no reason to go on for ever.
    const latest = performance.now() + 1_000 * (lease?.seconds ?? withoutLease);
    const left = () => {
      if (this.#loss !== undefined || !waits) return 0;
      const until = lease === undefined || this.#keepers > 0 ? latest : Math.min(latest, lease.until);
      return until - performance.now();
    };
    const { idStart, idEnd } = this;
    this.#isEnding = true;
    try {
      await tryAgain(complete, left, `the batch of ids ${idStart} to ${idEnd}`, options.signal);
    } catch (error) {
      this.#isEnding = false;
      if (!mayPass(error)) throw error;
      if (this.#loss !== undefined) throw this.#loss;
      if (lease !== undefined && this.#keepers === 0 && lease.until <= latest) throw leaseOver(lease.seconds);
      throw error;
    }
    this.#hasEnded = true;
  }

  /**
   * Processes the items, and lets the batch succeed with what `work` gives, or fail with what it throws, which is
   * thrown on; a result that cannot be kept fails it, too. Where the caller's signal is aborted, it is released. Without
   * items, since the range's rows are gone, it succeeds and `work` is not called. Meanwhile the lease is prolonged; when
   * the batch is not its owner's any more all the same, its signal is aborted and a `SupersededError`,
   * `NoSuchBatchError` or `LeaseOverError` thrown at once.
   */
  async process<T>(
    work: (items: Item[], processing: Processing) => Promise<T> | T,
    options: CallOptions = {},
  ): Promise<T | undefined> {
    const aborting = new AbortController();
    const abort = () => aborting.abort(options.signal?.reason);
    let stop = () => {};
    const lost = new Promise<never>((_resolve, reject) => {
      stop = this.keepAlive((error) => {
        aborting.abort(error);
        reject(error);
      });
    });
    lost.catch(() => {});
    options.signal?.addEventListener("abort", abort);
    if (options.signal?.aborted) abort();
    let isEmpty = false;
    try {
      let result: T | undefined;
      try {
        const working = this.items()
          .toArray()
          .then((items) => {
            aborting.signal.throwIfAborted();
            isEmpty = items.length === 0;
            return isEmpty ? undefined : work(items, { batch: this, signal: aborting.signal });
          });
        result = await Promise.race([working, lost]);
      } catch (error) {
        // Whoever stops the work gives the batch back; the work is not to blame.
        if (this.#loss === undefined) {
          await (options.signal?.aborted ? this.release(options.signal.reason) : this.#giveUp(error));
        }
        throw error;
      }
      try {
        const log = isEmpty ? noItems : undefined;
        await this.#end({ succeeded: true, resultItem: result, log }, options);
      } catch (error) {
        if (isRefusedResult(error)) await this.fail(error);
        throw error;
      }
      return result;
    } finally {
      stop();
      options.signal?.removeEventListener("abort", abort);
    }
  }

  /** Fails for this reason, or since that cannot be kept: its own letters may be none of the database's. */
  async #giveUp(reason: unknown): Promise<void> {
    try {
      await this.fail(reason);
    } catch (error) {
      if (!isRefusedResult(error)) throw error;
      await this.fail(error);
    }
  }

  /** At the end of a block with `await using`: fails if it was left without an end. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#hasEnded) await this.fail("the batch was left without an end");
  }
}

/** What is kept of a reason. */
function logOf(reason: unknown): string {
  return String(reason).slice(0, maxLog);
}

/** Whether a result was not taken, as it would not be the next time. */
function isRefusedResult(error: unknown): boolean {
  return (
    error instanceof Error && "code" in error && ["result", "invalid-request"].includes(String(error.code))
  );
}
