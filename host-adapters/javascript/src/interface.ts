// The records that callers send and receive. They mirror the interface `inventory` of the WIT package
// `batchintory:inventory`, which says more on what each field means.
//
// Ids are `bigint`s, all of them: they have 64 bits, and a `number` would be right until it is not. Where an id is
// given, a safe integer `number` does too. Counts are `number`s.

/** An id that a caller gives: a `bigint`, or a `number` that is a safe integer. */
export type Id = bigint | number;

/** A comparison of a column, or a combination of conditions. */
export type Condition =
  | { all: Condition[] }
  | { any: Condition[] }
  | { not: Condition }
  | {
      /** The column's name. */
      column: string;
      /** How to compare. */
      op:
        | ("=" | "!=" | "<" | "<=" | ">" | ">=" | "in" | "not-in" | "like" | "is-null" | "is-not-null")
        | ("older-than-seconds" | "younger-than-seconds");
      /** What with; a list for `in` and `not-in`, nothing for `is-null` and `is-not-null`. */
      value?: unknown;
      /**
       * How the column is read, where its type does not tell: as a number of these since 1970, as a point in time
       * (text in SQLite), or as text by its characters.
       */
      as?: "seconds" | "milliseconds" | "microseconds" | "nanoseconds" | "time" | "text";
    };

/** The columns of a meta table that matter here. */
export interface MetaColumns {
  /** Unique, increasing integer id; by default `uid`. */
  uid?: string;
  /** What to process; by default `item`. */
  item?: string;
  /** How heavy an item is; by default `weight`. `null`: items have no weight. */
  weight?: string | null;
}

/** What to hand out next, and how much of it. What is `undefined` or `null` has its default. */
export interface AcquireRequest {
  /** The meta table, as `table` or `schema.table`. */
  metaTable: string;
  /** The job's name: ranges are handed out once per meta table and job. */
  job: string;
  /** Tells runs of one job apart; only kept. */
  jobIdentifier?: string | null | undefined;
  /** Processes the results of this job on the meta table instead of the table itself. */
  sourceJob?: string | null | undefined;
  /** The meta table's columns. */
  columns?: MetaColumns | undefined;
  /** The lowest id to hand out (inclusive). */
  idMin?: Id | null | undefined;
  /** The highest id to hand out (inclusive). */
  idMax?: Id | null | undefined;
  /** The most that a batch may weigh. An item that alone is heavier is handed out alone. */
  maxWeight?: number | null | undefined;
  /** The most items in a batch. */
  maxCount?: Id | null | undefined;
  /** Which rows belong to the job; others are passed over for good. */
  filter?: Condition | null | undefined;
  /** Which rows are not ready yet: planning stops before the first of them. */
  hold?: Condition | null | undefined;
  /** How to tell that no row will appear below one that is there already; by default `none`. */
  settle?: "none" | "commit-order" | undefined;
  /** How often a range is handed out until it succeeds; by default 3. */
  maxAttempts?: number | undefined;
  /** How long a range waits after its first failure before the next attempt; twice as long after each further one. */
  retryDelaySeconds?: number | null | undefined;
  /** How long a batch may run without a sign of life; by default it has no lease. */
  leaseSeconds?: number | null | undefined;
  /** What to do when columns, filter or hold differ from those of the job's latest range; by default `refuse`. */
  onChange?: "refuse" | "accept" | undefined;
  /**
   * How items are given: as text, where one that is none is an error, or the bytes of every item in letters; by
   * default `text`.
   */
  itemEncoding?: "text" | "base64" | "hex" | undefined;
}

/** Where an attempt waits for what comes next. */
export type Queue = "running" | "retry" | "requeued" | "exhausted";

/** A batch that was handed out: one attempt at one range of ids. */
export interface BatchRecord {
  /** The row's id in the inventory. */
  readonly id: bigint;
  /** Names this attempt in later calls; whoever has it owns the batch. */
  readonly claimToken: string;
  /** The meta table's normalised name. */
  readonly metaTable: string;
  /** The job. */
  readonly job: string;
  /** As in the request. */
  readonly jobIdentifier?: string;
  /** 1 for a new range. */
  readonly attempt: number;
  /** The id of the first item. */
  readonly idStart: bigint;
  /** The id of the last item. */
  readonly idEnd: bigint;
  /** How many items it has. */
  readonly count: number;
  /** What its items weigh together. */
  readonly weight: number;
  /** Whether it is a single item that alone is heavier than `maxWeight`. */
  readonly oversized: boolean;
  /**
   * Whether it holds several items and yet more than `maxWeight` or `maxCount`: a range that is handed out
   * again keeps its ids, and rows have come or changed, or the limits are lower now.
   */
  readonly overLimit: boolean;
  /**
   * The first id of those, up to `idMin`, that it passed over for good since `idMin` lies above what the job had
   * claimed: workers that ask with a lower one miss them.
   */
  readonly passedOverFrom?: bigint;
  /** When it was handed out, by the inventory database's clock: RFC 3339 in UTC. */
  readonly processingStart: string;
}

/** Nothing was handed out. */
export interface Nothing {
  /** Why: nothing is left, nothing will ever come within the bounds, or the next row is not ready. */
  reason: "caught-up" | "bounds-done" | "held";
  /** The highest id that the job has claimed so far. */
  watermark?: bigint;
  /** The highest id that was looked at and passed over by the filter in this call. */
  scannedTo?: bigint;
  /** The first id that is held. */
  held?: bigint;
  /**
   * In how many seconds, 1 or more, the next range may be handed out again that waits after a failure, or runs under
   * a lease.
   */
  dueInSeconds?: number;
}

/** How a meta table in PostgreSQL tells that rows have come. */
export interface NotifyChannel {
  /** The name of the channel, for LISTEN. */
  name: string;
  /** The statements that have the table notify it, in order: for its owner. */
  statements: string[];
}

/** One item of a batch. */
export interface Item {
  /** Its id in the meta table. */
  uid: bigint;
  /** The item column as text; missing where it is NULL. */
  item?: string;
  /** Its weight; 0 where it is NULL or items have no weight. */
  weight: number;
}

/** How a batch ended. */
export interface Outcome {
  /** True when all of it was processed. */
  succeeded: boolean;
  /** What came of it: anything that JSON can hold, `bigint`s and `JsonNumber`s too. */
  resultItem?: unknown;
  /** An error message or a log's tail. */
  log?: string | null | undefined;
}

/** A batch that is over. */
export interface Completion {
  /** The batch's claim token. */
  claimToken: string;
  /** How it ended. */
  outcome: Outcome;
}

/** A batch as `plan` foresees it. */
export interface PlannedBatch {
  idStart: bigint;
  idEnd: bigint;
  count: number;
  weight: number;
  oversized: boolean;
}

/** The next batches, without claiming them. */
export interface BatchPlan {
  /** In order; fewer than asked for when nothing more is left. */
  batches: PlannedBatch[];
  /** Whether nothing is left after them, or nothing that is ready. */
  complete: boolean;
  /** The first id that is held, where the plan ends before one. */
  held?: bigint;
}

/** What a job has left to do, counted up to a cap. */
export interface JobProgress {
  /** The highest id that the job has claimed so far. */
  watermark?: bigint;
  /** Items left, at most the cap. */
  items: number;
  /** What those items weigh. */
  weight: number;
  /** Whether the cap ended the count. */
  atLeast: boolean;
  /** Where the cap ended the count: a guess at all that is left, before any filter. */
  estimatedItems?: number;
  /** The highest id up to which items are left. */
  lastId?: bigint;
  /**
   * Whether the watermark lies above the table's highest id: its ids have begun anew, and rows with ids up to the
   * watermark are never handed out.
   */
  watermarkAboveTable: boolean;
  /** Whether the meta table lies in another database than at the job's latest range; `warnings` says which. */
  otherMetaDatabase: boolean;
  /** How many items the job gets done in an hour, by its latest hundred attempts, where any has succeeded. */
  itemsPerHour?: number;
  /** What those items weigh. */
  weightPerHour?: number;
  /** In how many seconds the job will be done at that pace, where that is known; 0 where it is done. */
  secondsLeft?: number;
}

/** A job's ranges, summed up: each runs, waits, is exhausted, or has succeeded. */
export interface JobSummary {
  metaTable: string;
  job: string;
  /** The highest id that the job has claimed so far. */
  watermark: bigint;
  /** Ranges that run. */
  running: number;
  /** Ranges whose latest attempt has succeeded, and that were not requeued since. */
  succeeded: number;
  /** Attempts that failed, ever. */
  failed: number;
  /** Ranges that wait to be handed out again. */
  waiting: number;
  /** Ranges that failed as often as is allowed. */
  exhausted: number;
  /** Items in the ranges that have succeeded. */
  items: number;
  /** What those items weigh. */
  weight: number;
  /** When the highest range was handed out, or, if that is later, one that runs, waits or is exhausted: RFC 3339 in UTC. */
  latestStart: string;
  /** The request of the latest batch, to ask for progress with. */
  request?: AcquireRequest;
}

/** A job, as callers are told it. */
export interface JobPlace {
  /** The meta table's normalised name. */
  metaTable: string;
  /** The job. */
  job: string;
}

/** Which jobs to list. Conditions that are given all hold. */
export interface JobsQuery {
  /** Only of this meta table. */
  metaTable?: string | null | undefined;
  /** Only jobs of this name. */
  job?: string | null | undefined;
  /** Only jobs whose names hold this text. */
  search?: string | null | undefined;
  /** Only jobs behind this one: the last one of the page before. */
  after?: JobPlace | null | undefined;
  /** The most to return, 1 to 100; by default 100. */
  limit?: number | undefined;
}

/** Which attempts to list. Conditions that are given all hold. */
export interface HistoryQuery {
  /** Only of this meta table. */
  metaTable?: string | null | undefined;
  /** Only of this job. */
  job?: string | null | undefined;
  /** Only ranges that hold this id of the meta table, which must then be named. */
  uid?: Id | null | undefined;
  /** Only attempts in this queue. */
  queue?: Queue | null | undefined;
  /** Only rows with a lower inventory id: the last one of the page before. */
  before?: Id | null | undefined;
  /** The most to return, 1 to 1,000; by default 100. */
  limit?: number | undefined;
  /** Whether results and logs are given too; by default they are. */
  details?: boolean | undefined;
  /**
   * Whether claim tokens of attempts that run are given too; by default they are not. Keep them out of logs: they end
   * batches.
   */
  claimTokens?: boolean | undefined;
}

/** One attempt: a row of the inventory. */
export interface Attempt {
  id: bigint;
  metaTable: string;
  job: string;
  jobIdentifier?: string;
  attempt: number;
  /** `running`, `succeeded`, `failed`, or the word configured for it. */
  status: string;
  idStart: bigint;
  idEnd: bigint;
  count: number;
  weight: number;
  processingStart: string;
  processingEnd?: string;
  /** Until when it may go without a sign of life. */
  leaseExpires?: string;
  /** Its claim token, where it runs and the query asks for it. */
  claimToken?: string;
  /** Its result: integers beyond 2^53 are `bigint`s, other numbers that a `number` does not hold `JsonNumber`s. */
  resultItem?: unknown;
  /** Its error message or log. */
  log?: string;
  /** Where it waits for what comes next. */
  queue?: Queue;
  /** The query's `uid` lies in the range, but was passed over by the job's filter. */
  passedOver: boolean;
}

/** What to hand out again: a batch's range by the batch's id, ranges by ids, or all that are exhausted. */
export type RequeueTarget = { batch: Id } | { ids: { idStart: Id; idEnd: Id }[] } | "exhausted";

/** A processed range whose rows differ from what was processed. */
export interface Difference {
  /** The id of the batch that succeeded. */
  batchId: bigint;
  idStart: bigint;
  idEnd: bigint;
  /** How many items were processed. */
  count: number;
  weight: number;
  /** How many there are now. */
  countNow: number;
  weightNow: number;
}

/** A part of an audit. */
export interface AuditPage {
  /** How many ranges were counted again; 0 is the end. */
  ranges: number;
  /** The last id of the last one: the next page is behind it. */
  auditedTo?: bigint;
  /** Those that differ. */
  differences: Difference[];
}

/** What `migrate` did. */
export interface Migration {
  /** Whether the inventory table was made by this call. */
  created: boolean;
  /** Whether a table that pybatchintory wrote was upgraded by this call. */
  upgraded: boolean;
}
