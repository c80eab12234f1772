// Statements that repeat are prepared, by names that say what they are.
//
// Behind a pooler in transaction mode any client may have prepared such a name, and it still is this very statement.

import { createHash } from "node:crypto";
import type { Connection, PoolClient, QueryArrayResult } from "pg";
import type { Value } from "../../database.js";
import { Kept } from "./kept.js";
import { types } from "./values.js";

/** After so many prepared statements in a row that the server did not know, no more are prepared. */
const maxUnknown = 4;

/** The name is the same for whoever prepares this statement, and no other's. Its parameters' types are in its text. */
function nameOf(text: string): string {
  return `batchintory_${createHash("sha256").update(` ${text}`).digest("hex").slice(0, 40)}`;
}

/** What the driver keeps with a connection: the names that it need not prepare. */
interface WithNames {
  connection: { parsedStatements: Record<string, string> };
}

function namesOf(client: PoolClient): Record<string, string> {
  return (client as unknown as WithNames).connection.parsedStatements;
}

/** Sends statements, some by names. */
export class Prepared {
  readonly #most: number;
  readonly #kept = new WeakMap<PoolClient, Kept>();
  #unknownInARow = 0;

  /** Each connection keeps so many statements at most. */
  constructor(most: number) {
    this.#most = most;
  }

  /** Runs a statement. */
  async query(client: PoolClient, text: string, values: Value[]): Promise<QueryArrayResult> {
    const unnamed = { text, values, rowMode: "array", types } as const;
    if (this.#most === 0 || this.#unknownInARow >= maxUnknown) return client.query(unnamed);
    const kept = this.#of(client);
    const { sent, closes } = kept.turn(text);
    if (sent === "unnamed") return client.query(unnamed);
    // The driver itself prepares what it has not prepared yet.
    const oldest = sent === "prepare" ? kept.keep(text) : undefined;
    for (const old of [closes, oldest]) if (old !== undefined) await close(client, nameOf(old));
    return (await this.#byName(client, { ...unnamed, name: nameOf(text) })) ?? client.query(unnamed);
  }

  #of(client: PoolClient): Kept {
    const known = this.#kept.get(client);
    if (known !== undefined) return known;
    const kept = new Kept(this.#most);
    this.#kept.set(client, kept);
    return kept;
  }

  /** Prepares the statement if need be. Nothing where the server forgets it again and again: it was not executed. */
  async #byName(
    client: PoolClient,
    query: { name: string; text: string; values: Value[]; rowMode: "array" },
  ): Promise<QueryArrayResult | undefined> {
    const { name, text } = query;
    const names = namesOf(client);
    for (let tries = 0; tries < 3; tries += 1) {
      try {
        const result = await client.query(query);
        this.#unknownInARow = 0;
        return result;
      } catch (error) {
        const code = error instanceof Error && "code" in error ? error.code : undefined;
        if (code === "42P05") {
          // There is one already, which is as good.
          names[name] = text;
        } else if (code === "26000") {
          delete names[name];
          this.#unknownInARow += 1;
        } else {
          throw error;
        }
      }
    }
    return undefined;
  }
}

/** Lets the server forget a name, if it knows it. */
async function close(client: PoolClient, name: string): Promise<void> {
  delete namesOf(client)[name];
  await new Promise<void>((resolve, reject) => {
    const closing = {
      submit(connection: Connection) {
        connection.close({ type: "S", name }, false);
        connection.sync();
      },
      // The driver puts its clock around this.
      callback: (error?: unknown) => (error ? reject(error) : resolve()),
      handleError: (error: unknown) => closing.callback(error),
      handleReadyForQuery: () => closing.callback(),
    };
    client.query(closing);
  });
}
