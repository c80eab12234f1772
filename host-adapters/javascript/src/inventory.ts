/// <reference lib="esnext.disposable" preserve="true" />
// The inventory: every operation of the planner.

import { type Acquired, Batch, type Lease, type Processing } from "./batch.js";
import * as boundary from "./boundary.js";
import type { AdvanceOptions, CallOptions, ClaimOptions } from "./call-options.js";
import type { Dialect, Value } from "./database.js";
import type { Engine } from "./engine.js";
import type { BatchintoryError, LossError } from "./errors.js";
import { waitForWork } from "./follow.js";
import type * as Api from "./interface.js";
import { Loop } from "./loop.js";
import { plannerError } from "./planner/planner.js";
import { fromComponent } from "./planner/values.js";
import type { Operation, Operations, Inventory as Wit } from "./planner/wit.js";

/** How many of a batch's items come with its claim. */
const FIRST_ITEMS = 1_000;

/** How long is waited at most before a job is asked for anew, unless something else is said. */
const POLL_SECONDS = 10;

/** How batches are waited for. */
export interface FollowOptions extends CallOptions {
  /** Waits where nothing is left, until the signal is aborted. */
  follow?: boolean | undefined;
  /**
   * Asks again after a random time between half of this (by default 10 seconds) and all of it, or sooner when the next
   * range has waited long enough or its lease is over.
   */
  pollSeconds?: number | undefined;
}

/** What `process` did. */
export interface Processed {
  /** Batches that succeeded. */
  succeeded: number;
  /** Batches that failed. */
  failed: number;
  /** Why it came to an end. */
  nothing: Api.Nothing;
}

/**
 * Hands out batches and keeps the inventory of every attempt. Calls may be made many at once. Claims of one job then
 * come one after the other, first come, first served, since only one of those that run at once could succeed.
 */
export class Inventory implements AsyncDisposable {
  readonly #engine: Engine;
  /** Those whose batches may wait for their end. */
  readonly #loops = new Set<Loop>();

  /** Inventories come from `open`. */
  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Hands out the next batch of a job: first what failed or lost its owner, then a new range. */
  async acquire(request: Api.AcquireRequest, options: ClaimOptions = {}): Promise<Acquired> {
    return this.advance(undefined, request, options);
  }

  /**
   * Ends a batch, where one is given, and hands out the next with its first items: where inventory and meta table are in
   * one database, with fewer round trips than by `complete`, `acquire` and `items`. `batches` does so for loops.
   *
   * Nothing is handed out unless the batch has ended. The error may be that of the end or of the claim; the call may be
   * repeated as a whole where it was given a claim token.
   */
  async advance(
    done: Api.Completion | undefined,
    request: Api.AcquireRequest,
    options: AdvanceOptions = {},
  ): Promise<Acquired> {
    const acquired = await this._advance(done, request, options);
    if (!(acquired instanceof Error)) return acquired;
    options.signal?.throwIfAborted();
    throw acquired;
  }

  /** @internal Throws the error of the end, and gives that of the claim. */
  async _advance(
    done: Api.Completion | undefined,
    request: Api.AcquireRequest,
    options: AdvanceOptions,
  ): Promise<Acquired | BatchintoryError> {
    const completion = done === undefined ? undefined : boundary.toCompletion(done);
    const items = boundary.small(options.items ?? FIRST_ITEMS, "items");
    const asked = performance.now();
    const parameters = [completion, boundary.toRequest(request), options.claimToken, items] as const;
    const { next } = await this.#call(options, "advance", ...parameters);
    if (next.tag === "err") return plannerError(next.val);
    const { acquisition } = next.val;
    if (acquisition.tag === "nothing") return { nothing: boundary.fromNothing(acquisition.val) };
    return { batch: this.#batch(acquisition.val, leaseOf(request, asked), next.val.items) };
  }

  /**
   * Hands out up to `batches` (1 to 1,000) batches that follow each other, all or none; fewer where less is left, and one
   * that is handed out again comes alone.
   */
  async acquireMany(
    request: Api.AcquireRequest,
    batches: number,
    options: ClaimOptions = {},
  ): Promise<Batch[]> {
    const many = boundary.small(batches, "batches");
    const asked = performance.now();
    const records = await this.#call(
      options,
      "acquireMany",
      boundary.toRequest(request),
      many,
      options.claimToken,
    );
    return records.map((record) => this.#batch(record, leaseOf(request, asked)));
  }

  /**
   * One batch after the other until nothing is left, or, with `follow`, for good. Each must be ended by whoever gets it: one
   * that is left behind stays `running`. A signal that is aborted ends it with the signal's reason, at once where it waits.
   *
   * The end of a batch that has succeeded is sent with the claim of the next: where one database holds all, both are one
   * statement. It is sent by itself when the loop is left, and a second later where no next batch is asked for. What the
   * database says of it is thrown where the next batch is asked for; a batch whose result can never be kept fails.
   *
   * Databases that were reached before are waited for when they are away: as long as a lease lasts, or for five minutes
   * where there is none.
   */
  async *batches(
    request: Api.AcquireRequest,
    { follow = false, pollSeconds = POLL_SECONDS, ...options }: FollowOptions = {},
  ): AsyncGenerator<Batch, Api.Nothing, void> {
    const loop = new Loop(this, request, options);
    this.#loops.add(loop);
    let heard = 0;
    try {
      for (;;) {
        const { batch, nothing } = await loop.next();
        if (batch !== undefined) yield batch;
        else if (!follow) return nothing;
        else {
          const milliseconds = 1_000 * waitForWork(pollSeconds, nothing.dueInSeconds, Math.random());
          heard = await this.#engine.wait(request.metaTable, heard, milliseconds, options.signal);
        }
      }
    } finally {
      this.#loops.delete(loop);
      await loop.close();
    }
  }

  /**
   * Processes one batch after the other as `Batch.process` does, until nothing is left or, with `follow`, for good: each is
   * mostly ended by the call that claims the next. A failed batch does not keep the next ones back, and is handed out again
   * as the request allows.
   */
  async process(
    request: Api.AcquireRequest,
    work: (items: Api.Item[], processing: Processing) => unknown,
    { follow, pollSeconds, ...options }: FollowOptions = {},
  ): Promise<Processed> {
    const counts = { succeeded: 0, failed: 0 };
    const batches = this.batches(request, { follow, pollSeconds, ...options });
    try {
      for (;;) {
        const { done, value } = await batches.next();
        if (done) return { ...counts, nothing: value };
        if (await this.#hasSucceeded(value, work, options)) counts.succeeded += 1;
        else counts.failed += 1;
      }
    } catch (error) {
      // What went wrong first is what the caller must see.
      await batches.throw(error).catch(() => {});
      throw error;
    }
  }

  /** Whether the work on a batch has succeeded. */
  async #hasSucceeded(
    batch: Batch,
    work: (items: Api.Item[], processing: Processing) => unknown,
    options: CallOptions,
  ): Promise<boolean> {
    let thrown: { error: unknown } | undefined;
    const caught = async (items: Api.Item[], processing: Processing) => {
      try {
        return await work(items, processing);
      } catch (error) {
        thrown = { error };
        throw error;
      }
    };
    try {
      await batch.process(caught, options);
      return true;
    } catch (error) {
      // What the work threw is in the inventory; all else is the caller's.
      if (thrown === undefined || thrown.error !== error || options.signal?.aborted) throw error;
      return false;
    }
  }

  /**
   * The running batch with this claim token, for whoever goes on with it: another process, say, that was given its token.
   * Changes nothing; its lease goes on as it is. Throws a `SupersededError` where it has ended or was taken from its owner,
   * a `NoSuchBatchError` where there is none.
   */
  async batch(claimToken: string, options: CallOptions = {}): Promise<Batch> {
    const asked = performance.now();
    const { batch, lease } = await this.#call(options, "batch", boundary.text(claimToken, "claimToken"));
    return this.#batch(batch, lease && { seconds: lease.seconds, until: asked + lease.left * 1000 });
  }

  /**
   * A page of the items of a batch: up to `limit` (1 to 10,000, by default 5,000) items with ids above `after`, or about
   * a MiB of them. An empty page is the end.
   */
  async items(
    claimToken: string,
    { after, limit = 5_000, ...options }: CallOptions & { after?: Api.Id | undefined; limit?: number } = {},
  ): Promise<Api.Item[]> {
    const token = boundary.text(claimToken, "claimToken");
    const items = await this.#call(
      options,
      "items",
      token,
      optionalId(after),
      boundary.small(limit, "limit"),
    );
    return items.map(boundary.fromItem);
  }

  /** @internal The statement by which a batch's items are read without the planner, where there is one. */
  async _itemsStatement(claimToken: string, options: CallOptions): Promise<Wit.PageStatement | undefined> {
    return this.#call(options, "itemsStatement", boundary.text(claimToken, "claimToken"));
  }

  /** @internal The rows of a page behind an id, at most so many; `undefined` where the statement fails. */
  async _page(
    { on, statement, parameters }: Wit.PageStatement,
    place: readonly [bigint, bigint],
    { signal }: CallOptions,
  ): Promise<Value[][] | undefined> {
    signal?.throwIfAborted();
    const answer = await this.#engine.query(on, statement, [...parameters.map(fromComponent), ...place]);
    signal?.throwIfAborted();
    return "ok" in answer ? answer.ok.rows : undefined;
  }

  /** A sign of life: the batch's lease now ends `leaseSeconds` (1 to 31,536,000) from now. */
  async heartbeat(claimToken: string, leaseSeconds: number, options: CallOptions = {}): Promise<void> {
    const token = boundary.text(claimToken, "claimToken");
    await this.#call(options, "heartbeat", token, boundary.small(leaseSeconds, "leaseSeconds"));
  }

  /** Ends a batch. Ending it again in the same way is fine and changes nothing. */
  async complete(claimToken: string, outcome: Api.Outcome, options: CallOptions = {}): Promise<void> {
    const token = boundary.text(claimToken, "claimToken");
    await this.#call(options, "complete", token, boundary.toOutcome(outcome));
  }

  /**
   * Gives a batch back: its range is handed out again at once, and the attempt does not count towards `maxAttempts`. It
   * is stored as one that failed, with this log, by default `released`. Where the batch was released already, or has
   * failed, nothing changes.
   */
  async release(claimToken: string, log?: string, options: CallOptions = {}): Promise<void> {
    const token = boundary.text(claimToken, "claimToken");
    await this.#call(options, "release", token, log === undefined ? undefined : boundary.text(log, "log"));
  }

  /** The next `batches` (1 to 1,000, by default 10) new ranges without claiming them, as if all up to `after` were claimed. */
  async plan(
    request: Api.AcquireRequest,
    { after, batches = 10, ...options }: CallOptions & { after?: Api.Id | undefined; batches?: number } = {},
  ): Promise<Api.BatchPlan> {
    const many = boundary.small(batches, "batches");
    return boundary.fromPlan(
      await this.#call(options, "plan", boundary.toRequest(request), optionalId(after), many),
    );
  }

  /** What a job has left to do, counted up to `cap` (1 to 100,000,000, by default 100,000) items. */
  async progress(
    request: Api.AcquireRequest,
    { cap = 100_000, ...options }: CallOptions & { cap?: number } = {},
  ): Promise<Api.JobProgress> {
    const most = boundary.integer(cap, "cap", 0n);
    return boundary.fromProgress(await this.#call(options, "progress", boundary.toRequest(request), most));
  }

  /** What about a job's source may surprise its user, a sentence each. Meant for the start of a program. */
  async warnings(request: Api.AcquireRequest, options: CallOptions = {}): Promise<string[]> {
    return this.#call(options, "warnings", boundary.toRequest(request));
  }

  /** Requeues ranges of a job, to be handed out again as a new attempt. Returns the number of ranges. */
  async requeue(
    metaTable: string,
    job: string,
    target: Api.RequeueTarget,
    options: CallOptions = {},
  ): Promise<number> {
    const scope = [boundary.text(metaTable, "metaTable"), boundary.text(job, "job")] as const;
    return Number(await this.#call(options, "requeue", ...scope, boundary.toRequeueTarget(target)));
  }

  /**
   * Counts up to `limit` (1 to 1,000, by default 100) processed ranges of a job behind the id `after` again, and lists those
   * whose rows differ from what was processed.
   */
  async audit(
    metaTable: string,
    job: string,
    { after, limit = 100, ...options }: CallOptions & { after?: Api.Id | undefined; limit?: number } = {},
  ): Promise<Api.AuditPage> {
    const scope = [boundary.text(metaTable, "metaTable"), boundary.text(job, "job")] as const;
    const page = await this.#call(
      options,
      "audit",
      ...scope,
      optionalId(after),
      boundary.small(limit, "limit"),
    );
    return boundary.fromAuditPage(page);
  }

  /** Jobs, by meta table and name: up to the query's limit. An empty page is the end; see `allJobs`. */
  async jobs(query: Api.JobsQuery = {}, options: CallOptions = {}): Promise<Api.JobSummary[]> {
    return (await this.#call(options, "jobs", boundary.toJobsQuery(query))).map(boundary.fromJob);
  }

  /** Jobs, by meta table and name, one after the other; the query's limit is that of a page. */
  async *allJobs(
    query: Api.JobsQuery = {},
    options: CallOptions = {},
  ): AsyncGenerator<Api.JobSummary, void, void> {
    for (let after = query.after; ; ) {
      const page = await this.jobs({ ...query, after }, options);
      yield* page;
      const last = page.at(-1);
      if (last === undefined) return;
      after = { metaTable: last.metaTable, job: last.job };
    }
  }

  /** Attempts, latest first: up to the query's limit, or about a MiB of what became of them. An empty page is the end. */
  async history(query: Api.HistoryQuery = {}, options: CallOptions = {}): Promise<Api.Attempt[]> {
    return (await this.#call(options, "history", boundary.toHistoryQuery(query))).map(boundary.fromAttempt);
  }

  /** The statements that make the inventory table in a dialect, for those who run them themselves. */
  async schemaStatements(dialect: Dialect, options: CallOptions = {}): Promise<string[]> {
    return this.#call(options, "schemaStatements", dialect);
  }

  /**
   * The channel on which the meta table's database tells that rows have come, and the statements for it; `undefined`
   * where it has no such thing.
   */
  async notifications(metaTable: string, options: CallOptions = {}): Promise<Api.NotifyChannel | undefined> {
    return this.#call(options, "notifications", boundary.text(metaTable, "metaTable"));
  }

  /** Makes the inventory table and its indexes where they are missing. May be called at any time. */
  async migrate(options: CallOptions = {}): Promise<Api.Migration> {
    return this.#call(options, "migrate");
  }

  /** Closes the databases and ends the threads, once their statements that are under way have ended. */
  async close(): Promise<void> {
    // What became of them is told where their next batch is asked for.
    await Promise.allSettled([...this.#loops].map((loop) => loop._flush()));
    await this.#engine.close();
  }

  /** Closes the inventory at the end of a block with `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #call<Name extends Operation>(
    { signal }: CallOptions,
    operation: Name,
    ...parameters: Parameters<Operations[Name]>
  ): Promise<ReturnType<Operations[Name]>> {
    signal?.throwIfAborted();
    try {
      return (await this.#engine.call(operation, parameters, signal)) as ReturnType<Operations[Name]>;
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    }
  }

  #batch(record: Wit.BatchRecord, lease: Lease | undefined, items: Wit.Item[] = []): Batch {
    const keepAlive = (left: number, lost: (error: LossError) => void) =>
      this.#engine.keepAlive(record.claimToken, (lease as Lease).seconds, left, lost);
    return new Batch(this, boundary.fromBatch(record), lease, keepAlive, items.map(boundary.fromItem));
  }
}

/** The lease that was asked for at this time: the database has counted from a later one. */
function leaseOf({ leaseSeconds }: Api.AcquireRequest, asked: number): Lease | undefined {
  const seconds = leaseSeconds ?? undefined;
  return seconds === undefined ? undefined : { seconds, until: asked + seconds * 1000 };
}

function optionalId(id: Api.Id | undefined): bigint | undefined {
  return id === undefined || id === null ? undefined : boundary.integer(id, "after");
}
