// Opening a database by its URL.

import type { Database } from "../database.js";
import { ConnectError, errorOf, messageOf } from "../errors.js";
import { type Access, Fault, parse, Told } from "./database-url.js";

/**
 * Opens the database at a URL: `sqlite:PATH` (also `sqlite://PATH`, so that `sqlite:///srv/lake.sqlite` is absolute) or
 * `postgres://…` (also `postgresql://`, and with the name of a Python driver as in `postgresql+psycopg2://`). An SQLite
 * file that is only read must be there, and is not changed.
 */
export async function connect(url: string, access: Access): Promise<Database> {
  const told = new Told(url);
  try {
    return await open(url, access);
  } catch (error) {
    // What is wrong with the URL, or a driver that is missing, is said in words of ours.
    const isOurs = error instanceof Fault || error instanceof ConnectError;
    const reason = isOurs ? error.message : told.reason(messageOf(error));
    throw errorOf("connect", `cannot open the database ${told.shown}: ${reason}`);
  }
}

async function open(url: string, access: Access): Promise<Database> {
  const parsed = parse(url);
  switch (parsed.system) {
    case "sqlite":
      return (await import("../driver/sqlite/index.js")).open(parsed, access);
    case "postgresql":
      return (await import("../driver/postgres/index.js")).open(parsed);
    case "mysql":
      throw new Fault("MySQL is not supported here; give a query function of your own");
  }
}
