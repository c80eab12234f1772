// PostgreSQL by one client of pg, for as long as a request: in Cloudflare's Workers, through
// Hyperdrive or over TCP.

import pg, { type Client, type ClientConfig } from "pg";
import { type Database, type Rows, StatementError, type Value } from "../../database.js";
import { messageOf } from "../../errors.js";
import { explained, goesOn, isLate, rowsOf, statementTimeout, unwanted } from "./answer.js";
import { cancel, cancelOnAbort } from "./cancel.js";
import { types } from "./values.js";

/**
 * The database at a URL, as `pg` reads it, for `open`: `postgres(env.HYPERDRIVE.connectionString)`. Connects with the
 * first statement, anew after a connection was lost, and runs one statement at a time. Closing the inventory ends the
 * client: let the request wait for that, by `ctx.waitUntil(inventory.close())`.
 */
export function postgres(connection: string | ClientConfig): Database {
  const given = typeof connection === "string" ? { connectionString: connection } : connection;
  const limit = given.query_timeout ?? statementTimeout;
  const config = { connectionTimeoutMillis: 10_000, ...given, query_timeout: limit };
  let client: Promise<Client> | undefined;
  let underWay = 0;

  function forget(lost: Promise<Client>): void {
    if (client === lost) client = undefined;
    void lost.then((it) => it.end()).catch(() => {});
  }

  function connect(): Promise<Client> {
    const made = new pg.Client(config);
    const connected = made.connect().then(() => made);
    // What a connection says beside the answer to its statement is told by the next one.
    made.on("error", () => forget(connected));
    return connected;
  }

  return {
    dialect: "postgresql",
    async query(text: string, values: Value[], signal?: AbortSignal): Promise<Rows> {
      client ??= connect();
      const mine = client;
      let connected: Client;
      try {
        connected = await mine;
      } catch (error) {
        forget(mine);
        throw new StatementError("unavailable", messageOf(error));
      }
      if (signal?.aborted) throw unwanted();
      // Those of others run in the same session, which knows only which one is under way.
      const ended = cancelOnAbort(pg, connected, signal, () => underWay === 1);
      underWay += 1;
      try {
        return rowsOf(await connected.query({ text, values, rowMode: "array", types }));
      } catch (error) {
        if (isLate(error) && underWay === 1) void cancel(pg, connected);
        if (!goesOn(error)) forget(mine);
        throw explained(error, limit, "query_timeout");
      } finally {
        underWay -= 1;
        // What asks for the statement's end may come late, and would end the next one.
        if (signal?.aborted) forget(mine);
        ended();
      }
    },
    async close() {
      const last = client;
      client = undefined;
      await (await last?.catch(() => undefined))?.end();
    },
  };
}
