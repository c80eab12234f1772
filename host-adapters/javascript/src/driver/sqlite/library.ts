// The two libraries with SQLite: better-sqlite3, and Node's own where it is there.

import { ConnectError, errorOf } from "../../errors.js";
import { load } from "../load.js";
import type { Place } from "./place.js";

/** A selected value, as both give it when asked for big integers. */
export type Cell = null | bigint | number | string | Uint8Array;

/** A prepared statement. */
export interface Statement {
  /** Runs it, and gives its rows, if it has any. */
  all(parameters: (null | bigint | number | string)[]): Cell[][];
}

/** A connection. */
export interface Connection {
  prepare(statement: string): Statement;
  close(): void;
}

/** How long a statement waits for another writer. */
const busyTimeoutMilliseconds = 5_000;

/**
 * Opens a file, or `:memory:`: by better-sqlite3 if it is installed, else by Node itself. Only Node's own takes URLs of
 * SQLite.
 */
export async function connect(place: Place): Promise<Connection> {
  if (place.uri !== undefined) {
    const connection = await nodeSqlite(place);
    if (connection !== undefined) return connection;
    throw errorOf("connect", "options of an SQLite file, but for mode=ro and mode=rw, need Node 24");
  }
  try {
    return await betterSqlite(place);
  } catch (error) {
    if (!(error instanceof ConnectError)) throw error;
    const connection = await nodeSqlite(place);
    if (connection === undefined) throw error;
    return connection;
  }
}

async function betterSqlite({ path, isReadOnly }: Place): Promise<Connection> {
  const { default: Database } = await load(
    "better-sqlite3",
    () => import("better-sqlite3"),
    "@12 (or use Node 24, which has SQLite built in)",
  );
  const connection = new Database(path, { timeout: busyTimeoutMilliseconds, readonly: isReadOnly });
  return {
    prepare(text) {
      const statement = connection.prepare(text).safeIntegers();
      if (statement.reader) {
        statement.raw();
        return { all: (parameters) => statement.all(parameters) as Cell[][] };
      }
      return {
        all(parameters) {
          statement.run(parameters);
          return [];
        },
      };
    },
    close: () => connection.close(),
  };
}

/** `undefined` where Node has no SQLite, or an early one that cannot give rows as arrays. */
async function nodeSqlite({ path, uri, isReadOnly }: Place): Promise<Connection | undefined> {
  const sqlite = await import("node:sqlite").catch(() => undefined);
  if (typeof sqlite?.StatementSync.prototype.setReturnArrays !== "function") return undefined;
  const connection = new sqlite.DatabaseSync(uri ?? path, {
    timeout: busyTimeoutMilliseconds,
    readOnly: isReadOnly,
  });
  return {
    prepare(text) {
      const statement = connection.prepare(text);
      statement.setReadBigInts(true);
      statement.setReturnArrays(true);
      return { all: (parameters) => statement.all(...parameters) as unknown as Cell[][] };
    },
    close: () => connection.close(),
  };
}
