// The one place where the records of the API meet those of the component.

import { type BatchintoryError, errorOf, messageOf } from "./errors.js";
import type * as Api from "./interface.js";
import { parse, stringify } from "./json.js";
import type { Inventory } from "./planner/wit.js";

/** Leaves out what is not given. */
function given<T extends object>(record: T): { [K in keyof T]?: Exclude<T[K], undefined | null> } {
  const entries = Object.entries(record).filter(([, value]) => value !== undefined && value !== null);
  return Object.fromEntries(entries) as never;
}

/** Leaves out the fields that the component gives as `undefined`. */
function present<T extends object>(record: T): T {
  for (const [name, value] of Object.entries(record)) {
    if (value === undefined) delete record[name as keyof T];
  }
  return record;
}

/** Refuses fields that nobody reads, such as `max_count`: a limit that is not seen would hand out everything. */
function known(record: object, name: string, fields: readonly string[]): void {
  if (typeof record !== "object" || record === null) throw invalid(`${name} must be an object`);
  for (const field of Object.keys(record)) {
    if (!fields.includes(field))
      throw invalid(`${name} has no field "${field}"; its fields are ${fields.join(", ")}`);
  }
}

function invalid(message: string) {
  return errorOf("invalid-request", message);
}

/** An integer of 64 bits. */
export function integer(
  value: Api.Id,
  name: string,
  lowest = -(2n ** 63n),
  highest = 2n ** 63n - 1n,
): bigint {
  if (typeof value !== "bigint" && !Number.isSafeInteger(value)) {
    throw invalid(`${name} must be a bigint or a number that is a safe integer, not ${String(value)}`);
  }
  const exact = BigInt(value);
  if (exact < lowest || exact > highest)
    throw invalid(`${name} is ${exact}; it must lie between ${lowest} and ${highest}`);
  return exact;
}

/** An integer that is not negative and has 32 bits. */
export function small(value: number, name: string): number {
  return Number(integer(value, name, 0n, 2n ** 32n - 1n));
}

const unsigned = (value: Api.Id, name: string) => integer(value, name, 0n, 2n ** 64n - 1n);

/** Text, or the error that says what is none. */
export function text(value: string, name: string): string {
  if (typeof value !== "string") throw invalid(`${name} must be a string, not ${String(value)}`);
  return value;
}

function number(value: number, name: string): number {
  if (typeof value !== "number") throw invalid(`${name} must be a number, not ${String(value)}`);
  return value;
}

function oneOf<T extends string>(value: T, name: string, allowed: readonly T[]): T {
  if (!allowed.includes(value))
    throw invalid(`${name} must be one of ${allowed.join(", ")}, not ${String(value)}`);
  return value;
}

function json(value: unknown, name: string): string {
  return written(value, (why) => invalid(`${name} cannot be written as JSON: ${why}`));
}

/** Writes JSON; what has none is refused, for a reason. */
function written(value: unknown, refuse: (why: string) => BatchintoryError): string {
  let text: string | undefined;
  try {
    text = stringify(value);
  } catch (error) {
    throw refuse(messageOf(error));
  }
  if (text === undefined) throw refuse(`a ${typeof value}`);
  return text;
}

/** Converts a field if it is given. */
function optional<T, U>(
  value: T | undefined | null,
  name: string,
  convert: (value: T, name: string) => U,
): U | undefined {
  return value === undefined || value === null ? undefined : convert(value, name);
}

const requestFields = [
  ...["metaTable", "job", "jobIdentifier", "sourceJob", "columns", "idMin", "idMax", "maxWeight", "maxCount"],
  ...[
    "filter",
    "hold",
    "settle",
    "maxAttempts",
    "retryDelaySeconds",
    "leaseSeconds",
    "onChange",
    "itemEncoding",
  ],
];

export function toRequest(request: Api.AcquireRequest): Inventory.AcquireRequest {
  known(request, "the request", requestFields);
  const {
    columns = {},
    settle = "none",
    maxAttempts = 3,
    onChange = "refuse",
    itemEncoding = "text",
  } = request;
  known(columns, "columns", ["uid", "item", "weight"]);
  const { uid = "uid", item = "item", weight = "weight" } = columns;
  return {
    metaTable: text(request.metaTable, "metaTable"),
    job: text(request.job, "job"),
    columns: {
      uid: text(uid, "columns.uid"),
      item: text(item, "columns.item"),
      ...given({ weight: optional(weight, "columns.weight", text) }),
    },
    settle: oneOf(settle, "settle", ["none", "commit-order"]),
    maxAttempts: small(maxAttempts, "maxAttempts"),
    onChange: oneOf(onChange, "onChange", ["refuse", "accept"]),
    itemEncoding: oneOf(itemEncoding, "itemEncoding", ["text", "base64", "hex"]),
    ...given({
      jobIdentifier: optional(request.jobIdentifier, "jobIdentifier", text),
      sourceJob: optional(request.sourceJob, "sourceJob", text),
      idMin: optional(request.idMin, "idMin", integer),
      idMax: optional(request.idMax, "idMax", integer),
      maxWeight: optional(request.maxWeight, "maxWeight", number),
      maxCount: optional(request.maxCount, "maxCount", unsigned),
      filter: optional(request.filter, "filter", json),
      hold: optional(request.hold, "hold", json),
      retryDelaySeconds: optional(request.retryDelaySeconds, "retryDelaySeconds", small),
      leaseSeconds: optional(request.leaseSeconds, "leaseSeconds", small),
    }),
  };
}

function fromRequest(request: Inventory.AcquireRequest): Api.AcquireRequest {
  const { maxCount, filter, hold, columns, ...same } = request;
  const condition = (written: string) => parse(written) as Api.Condition;
  return {
    ...present(same),
    columns: { uid: columns.uid, item: columns.item, weight: columns.weight ?? null },
    ...given({
      maxCount: optional(maxCount, "maxCount", Number),
      filter: optional(filter, "filter", condition),
      hold: optional(hold, "hold", condition),
    }),
  };
}

export function fromItem(item: Inventory.Item): Api.Item {
  return present(item);
}

export function fromNothing(nothing: Inventory.Nothing): Api.Nothing {
  return present(nothing);
}

export function fromBatch(batch: Inventory.BatchRecord): Api.BatchRecord {
  return { ...present(batch), count: Number(batch.count) };
}

export function toOutcome(outcome: Api.Outcome): Inventory.Outcome {
  known(outcome, "the outcome", ["succeeded", "resultItem", "log"]);
  if (typeof outcome.succeeded !== "boolean") throw invalid("succeeded must be true or false");
  return {
    succeeded: outcome.succeeded,
    ...given({
      resultItem: optional(outcome.resultItem, "the result", result),
      log: optional(outcome.log, "log", text),
    }),
  };
}

export function toCompletion(completion: Api.Completion): Inventory.Completion {
  known(completion, "the batch that is over", ["claimToken", "outcome"]);
  return { claimToken: text(completion.claimToken, "claimToken"), outcome: toOutcome(completion.outcome) };
}

function result(value: unknown): string {
  return written(value, (why) => errorOf("result", `the batch's result cannot be written as JSON: ${why}`));
}

export function fromPlan({ batches, ...plan }: Inventory.BatchPlan): Api.BatchPlan {
  return { ...present(plan), batches: batches.map((batch) => ({ ...batch, count: Number(batch.count) })) };
}

export function fromProgress(progress: Inventory.JobProgress): Api.JobProgress {
  const { items, estimatedItems, secondsLeft, ...rest } = progress;
  return {
    ...present(rest),
    items: Number(items),
    ...given({
      estimatedItems: optional(estimatedItems, "estimatedItems", Number),
      secondsLeft: optional(secondsLeft, "secondsLeft", Number),
    }),
  };
}

export function fromJob({ request, ...job }: Inventory.JobSummary): Api.JobSummary {
  return {
    ...job,
    running: Number(job.running),
    succeeded: Number(job.succeeded),
    failed: Number(job.failed),
    waiting: Number(job.waiting),
    exhausted: Number(job.exhausted),
    items: Number(job.items),
    ...given({ request: optional(request, "request", fromRequest) }),
  };
}

export function toJobsQuery(query: Api.JobsQuery): Inventory.JobsQuery {
  known(query, "the query", ["metaTable", "job", "search", "after", "limit"]);
  return {
    limit: small(query.limit ?? 100, "limit"),
    ...given({
      metaTable: optional(query.metaTable, "metaTable", text),
      job: optional(query.job, "job", text),
      search: optional(query.search, "search", text),
      after: optional(query.after, "after", toPlace),
    }),
  };
}

function toPlace(place: Api.JobPlace): Inventory.JobPlace {
  known(place, "after", ["metaTable", "job"]);
  return { metaTable: text(place.metaTable, "after.metaTable"), job: text(place.job, "after.job") };
}

export function toHistoryQuery(query: Api.HistoryQuery): Inventory.HistoryQuery {
  known(query, "the query", [
    "metaTable",
    "job",
    "uid",
    "queue",
    "before",
    "limit",
    "details",
    "claimTokens",
  ]);
  const { limit = 100, details = true, claimTokens = false } = query;
  const queue = (value: Api.Queue, name: string) =>
    oneOf(value, name, ["running", "retry", "requeued", "exhausted"]);
  return {
    limit: small(limit, "limit"),
    details,
    claimTokens,
    ...given({
      metaTable: optional(query.metaTable, "metaTable", text),
      job: optional(query.job, "job", text),
      uid: optional(query.uid, "uid", integer),
      queue: optional(query.queue, "queue", queue),
      before: optional(query.before, "before", integer),
    }),
  };
}

export function fromAttempt({ count, resultItem, ...attempt }: Inventory.Attempt): Api.Attempt {
  return {
    ...present(attempt),
    count: Number(count),
    ...given({ resultItem: optional(resultItem, "resultItem", parse) }),
  };
}

export function toRequeueTarget(target: Api.RequeueTarget): Inventory.RequeueTarget {
  if (target === "exhausted") return { tag: "exhausted" };
  if (typeof target === "object" && target !== null) {
    if ("batch" in target) return { tag: "batch", val: integer(target.batch, "batch") };
    if ("ids" in target && Array.isArray(target.ids)) {
      const range = ({ idStart, idEnd }: { idStart: Api.Id; idEnd: Api.Id }) => ({
        idStart: integer(idStart, "idStart"),
        idEnd: integer(idEnd, "idEnd"),
      });
      return { tag: "ids", val: target.ids.map(range) };
    }
  }
  throw invalid('the target must be { batch }, { ids: [{ idStart, idEnd }] } or "exhausted"');
}

export function fromAuditPage({ differences, ...page }: Inventory.AuditPage): Api.AuditPage {
  const numbers = ({ count, countNow, ...difference }: Inventory.Difference): Api.Difference => ({
    ...difference,
    count: Number(count),
    countNow: Number(countNow),
  });
  return { ...present(page), differences: differences.map(numbers) };
}
