// PostgreSQL, by pg with a pool of connections.

import { type Database, type Rows, StatementError, type Value } from "../../database.js";
import { messageOf } from "../../errors.js";
import type { ServerUrl } from "../../node/database-url.js";
import { notLoaded } from "../load.js";
import { explained, goesOn, isLate, rowsOf, unwanted } from "./answer.js";
import { cancel, cancelOnAbort } from "./cancel.js";
import { read } from "./options.js";
import { Prepared } from "./prepared.js";
import { Servers } from "./servers.js";

/** Opens the database at a URL. */
export async function open(url: ServerUrl): Promise<Database> {
  const { default: pg } = await import("pg").catch((error: unknown) => {
    throw notLoaded("pg", error);
  });
  const options = read(url);
  const servers = new Servers(pg, options);
  const prepared = new Prepared(options.statementCache);

  async function connection() {
    try {
      return await servers.connection();
    } catch (error) {
      throw new StatementError("unavailable", messageOf(error));
    }
  }

  // Finds out now whether there is a database at all.
  try {
    (await connection()).release();
  } catch (error) {
    await servers.close();
    throw error;
  }

  /** What ends those that listen. */
  const listeners = new Set<() => void>();

  return {
    dialect: "postgresql",
    async query(statement: string, parameters: Value[], signal?: AbortSignal): Promise<Rows> {
      const client = await connection();
      const ended = cancelOnAbort(pg, client, signal);
      let isLost = true;
      // What a connection says beside the answer to its statement is heard there too.
      const ignore = () => {};
      client.on("error", ignore);
      try {
        if (signal?.aborted) throw unwanted();
        const result = await prepared.query(client, statement, parameters);
        isLost = false;
        return rowsOf(result);
      } catch (error) {
        // Where it takes no writes, another server may do so by now.
        if (goesOn(error)) isLost = error instanceof pg.DatabaseError && error.code === "25006";
        if (isLate(error)) void cancel(pg, client);
        throw explained(error, options.config.query_timeout ?? 0, "statement_timeout in the URL");
      } finally {
        client.off("error", ignore);
        ended();
        // What asks for the statement's end may come late, and would end the next one.
        client.release(isLost || signal?.aborted);
      }
    },
    async listen(channel: string, told: () => void, lost: () => void): Promise<void> {
      // What a session listens to goes with its connection, so it is none of the pool's.
      const own = new Servers(pg, options);
      const client = await own.connection();
      const end = () => {
        if (!listeners.delete(end)) return;
        client.release(true);
        own.close().catch(() => {});
        lost();
      };
      listeners.add(end);
      client.on("notification", told);
      client.on("error", end);
      client.on("end", end);
      try {
        await client.query(`LISTEN ${pg.escapeIdentifier(channel)}`);
      } catch (error) {
        end();
        throw error;
      }
    },
    async close() {
      for (const end of [...listeners]) end();
      await servers.close();
    },
  };
}
