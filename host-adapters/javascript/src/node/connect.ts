// Opening a database by its URL.

import type { Database } from "../database.js";
import { errorOf, messageOf } from "../errors.js";
import { redact } from "./redact.js";

/**
 * Opens the database at a URL: `sqlite:PATH` (also `sqlite://PATH`, so that `sqlite:///srv/lake.sqlite` is absolute) or
 * `postgres://…` (also `postgresql://`, and with the name of a Python driver as in `postgresql+psycopg2://`).
 */
export async function connect(url: string): Promise<Database> {
  try {
    return await open(url);
  } catch (error) {
    throw errorOf("connect", `cannot open the database ${redact(url)}: ${messageOf(error)}`);
  }
}

async function open(url: string): Promise<Database> {
  const scheme = /^([a-z]+)(?:\+\w+)?:/.exec(url)?.[1];
  switch (scheme) {
    case "sqlite":
      return (await import("../driver/sqlite/index.js")).open(url.replace(/^sqlite(\+\w+)?:(\/\/)?/, ""));
    case "postgres":
    case "postgresql":
      return (await import("../driver/postgres/index.js")).open(url);
    case undefined:
      throw new Error("a URL such as sqlite:lake.sqlite or postgres://… is wanted");
    default:
      throw new Error(`the scheme "${scheme}" is not known; known are sqlite and postgres`);
  }
}
