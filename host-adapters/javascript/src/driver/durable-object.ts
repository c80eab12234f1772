// The SQLite database within a Durable Object of Cloudflare's.

import type { Database, Rows, Value } from "../database.js";
import { type NumberCell, numberParameter, readNumberCell } from "./sqlite/numbers.js";

/** What is needed of a Durable Object's storage. */
export interface DurableObjectStorage {
  sql: {
    exec(statement: string, ...parameters: (null | number | string)[]): { raw(): Iterable<unknown> };
  };
}

/** The database of a Durable Object with SQLite storage, for `open`: `durableObject(this.ctx.storage)`. */
export function durableObject({ sql }: DurableObjectStorage): Database {
  const run = (statement: string, parameters: Value[]) =>
    [...sql.exec(statement, ...parameters.map(numberParameter)).raw()] as NumberCell[][];
  let changesSoFar: unknown;

  /** How many rows the last statement changed. A statement that only reads leaves the number of the one before. */
  function affected(): number {
    const [[last, total] = []] = run("SELECT changes(), total_changes()", []);
    const hasChanged = total !== changesSoFar;
    changesSoFar = total;
    return hasChanged ? Number(last) : 0;
  }

  return {
    dialect: "sqlite",
    query(statement: string, parameters: Value[]): Rows {
      if (changesSoFar === undefined) affected();
      // Nothing comes between the statements: they do not wait for anything.
      const rows = run(statement, parameters).map((row) => row.map(readNumberCell));
      return { rows, affected: affected() };
    },
    close() {},
  };
}
