// What all entry points offer.

export { type Acquired, Batch, type ItemOptions, Items, type Processing } from "./batch.js";
export type { AdvanceOptions, CallOptions, ClaimOptions } from "./call-options.js";
export {
  type Database,
  type Dialect,
  type Rows,
  type Source,
  StatementError,
  type StatementOutcome,
  type Value,
} from "./database.js";
export type { DatabaseOptions, StatusLabels } from "./databases.js";
export {
  BatchintoryError,
  ClosedError,
  ConfigurationChangedError,
  ConnectError,
  DatabaseError,
  type ErrorCode,
  ExhaustedRetriesError,
  type Facts,
  InvalidRequestError,
  LeaseOverError,
  LimitReachedError,
  NoSuchBatchError,
  NoSuchColumnError,
  NoSuchTableError,
  ResultError,
  SupersededError,
  TrapError,
  UnavailableError,
  UnsupportedError,
} from "./errors.js";
export type * from "./interface.js";
export type { FollowOptions, Inventory, Processed } from "./inventory.js";
export { JsonNumber } from "./json.js";
export type { DriverOptions, ModuleOptions, Query, QueryOptions, UrlOptions } from "./options.js";
