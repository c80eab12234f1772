// Cloudflare's D1, by the binding of a Worker.

import type { Database, Rows, Value } from "../database.js";
import { type NumberCell, numberParameter, readNumberCell } from "./sqlite/numbers.js";

/** What is needed of a binding, or of a session of one. */
export interface D1Binding {
  prepare(statement: string): D1Statement;
}

/** What is needed of a prepared statement. */
export interface D1Statement {
  bind(...parameters: unknown[]): D1Statement;
  raw(): Promise<unknown[]>;
  run(): Promise<{ meta: { changes?: number } }>;
}

/**
 * The database of a D1 binding, for `open`. Sessions that read from replicas are not for it: a claim must see what the
 * one before has written.
 */
export function d1(binding: D1Binding): Database {
  return {
    dialect: "sqlite",
    async query(statement: string, parameters: Value[]): Promise<Rows> {
      const bound = binding.prepare(statement).bind(...parameters.map(numberParameter));
      const { writes, returns } = kindOf(statement);
      // Objects would merge columns of one name, so rows are asked for as lists; these come without
      // a count.
      if (writes && !returns) {
        const { meta } = await bound.run();
        return { rows: [], affected: meta.changes ?? 0 };
      }
      const found = (await bound.raw()) as NumberCell[][];
      // What is returned are the rows that were written.
      return { rows: found.map((row) => row.map(readNumberCell)), affected: writes ? found.length : 0 };
    },
    close() {},
  };
}

/** Whether a statement writes rows, and whether it returns those. */
function kindOf(statement: string): { writes: boolean; returns: boolean } {
  // Values are never in the text, but names are.
  const words = statement.replace(/"[^"]*"|'[^']*'/g, "");
  return { writes: /\b(insert|update|delete)\b/i.test(words), returns: /\breturning\b/i.test(words) };
}
