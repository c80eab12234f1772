// The libraries with SQLite: better-sqlite3, and those of Node, Deno and Bun themselves.

import type BetterSqlite from "better-sqlite3";
import { errorOf } from "../../errors.js";
import { notLoaded } from "../load.js";
import type { Place } from "./place.js";

/** A selected value, as all give it when asked for big integers. */
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

/** Opens a place by a library. */
type Open = (place: Place) => Connection;

/** How long a statement waits for another writer. */
const busyTimeoutMilliseconds = 5_000;

/**
 * Opens a file, or `:memory:`: by better-sqlite3 if it is installed and runs here, else by what the runtime has. Only
 * Node's and Deno's own take URLs of SQLite.
 */
export async function connect(place: Place): Promise<Connection> {
  if (place.uri !== undefined) {
    const open = await nodeSqlite();
    if (open !== undefined) return open(place);
    throw errorOf("connect", "options of an SQLite file, but for mode=ro and mode=rw, need Node 24");
  }
  const better = await betterSqlite();
  // An addon may be missing, or made for another runtime: whatever it is, another library will do.
  const open = typeof better === "function" ? better : ((await nodeSqlite()) ?? (await bunSqlite()));
  if (open !== undefined) return open(place);
  throw notLoaded("better-sqlite3", better, "@12 (or use Node 24, which has SQLite built in)");
}

/** Or why it cannot be loaded. */
async function betterSqlite(): Promise<Open | Error> {
  try {
    const { default: Database } = await import("better-sqlite3");
    // Its addon is loaded with the first database.
    new Database(":memory:").close();
    return (place) => byBetterSqlite(Database, place);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

function byBetterSqlite(Database: typeof BetterSqlite, { path, isReadOnly }: Place): Connection {
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

/** `undefined` where there is no such module, or an early one that cannot give rows as arrays. */
async function nodeSqlite(): Promise<Open | undefined> {
  const sqlite = await import("node:sqlite").catch(() => undefined);
  if (typeof sqlite?.StatementSync?.prototype.setReturnArrays !== "function") return undefined;
  return ({ path, uri, isReadOnly }) => {
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
  };
}

/** What is used of Bun's own library. */
interface BunSqlite {
  Database: new (
    path: string,
    options: { readonly: boolean; readwrite: boolean; create: boolean; safeIntegers: boolean },
  ) => {
    run(statement: string): unknown;
    prepare(statement: string): { values(...parameters: unknown[]): Cell[][] };
    close(): void;
  };
}

/** `undefined` in other runtimes. */
async function bunSqlite(): Promise<Open | undefined> {
  // No text that bundlers would look up.
  const name: string = ["bun", "sqlite"].join(":");
  const sqlite: BunSqlite | undefined = await import(/* @vite-ignore */ /* webpackIgnore: true */ name).catch(
    () => undefined,
  );
  if (sqlite === undefined) return undefined;
  return ({ path, isReadOnly }) => {
    const mayWrite = !isReadOnly;
    const connection = new sqlite.Database(path, {
      readonly: isReadOnly,
      readwrite: mayWrite,
      create: mayWrite,
      safeIntegers: true,
    });
    connection.run(`PRAGMA busy_timeout = ${busyTimeoutMilliseconds}`);
    return {
      prepare(text) {
        const statement = connection.prepare(text);
        return { all: (parameters) => statement.values(...parameters) };
      },
      close: () => connection.close(),
    };
  };
}
