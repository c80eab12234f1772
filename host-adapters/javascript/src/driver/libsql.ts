// libSQL's server and Turso's cloud, by a client of `@libsql/client`.

import { type Database, type Rows, StatementError, type Value } from "../database.js";
import { errorOf, messageOf } from "../errors.js";
import { codeInWords } from "./sqlite/codes.js";
import { parameter, read } from "./sqlite/values.js";

/** A selected value. */
type Cell = null | bigint | number | string | ArrayBuffer;

/** What is needed of a client. */
export interface LibsqlClient {
  execute(statement: { sql: string; args: (null | bigint | number | string)[] }): Promise<{
    columns: string[];
    rows: { [index: number]: Cell }[];
    rowsAffected: number;
  }>;
}

/**
 * The database of a client, for `open`. The client must give integers as `bigint`:
 * `createClient({ url, authToken, intMode: "bigint" })`. It stays the caller's to close.
 */
export function libsql(client: LibsqlClient): Database {
  let areIntegersExact: Promise<void> | undefined;
  return {
    dialect: "sqlite",
    async query(statement: string, parameters: Value[]): Promise<Rows> {
      areIntegersExact ??= demandExactIntegers(client);
      try {
        await areIntegersExact;
      } catch (error) {
        areIntegersExact = undefined;
        throw error;
      }
      return run(client, statement, parameters);
    },
    close() {},
  };
}

/** A number may be an integer that was rounded, or none at all: `1` and `1.0` look alike. */
async function demandExactIntegers(client: LibsqlClient): Promise<void> {
  const { rows } = await run(client, "SELECT 1", []);
  if (typeof rows[0]?.[0] === "bigint") return;
  const advice = 'create it with intMode: "bigint"';
  throw errorOf("invalid-request", `this libSQL client gives integers that may be rounded: ${advice}`);
}

async function run(client: LibsqlClient, statement: string, parameters: Value[]): Promise<Rows> {
  try {
    const answer = await client.execute({ sql: statement, args: parameters.map(parameter) });
    // Rows have their columns by index too; by name those of one name would be one.
    const cells = (row: { [index: number]: Cell }) => answer.columns.map((_name, index) => value(row[index]));
    return { rows: answer.rows.map(cells), affected: answer.rowsAffected };
  } catch (error) {
    throw explained(error);
  }
}

function value(cell: Cell | undefined): Value {
  return read(cell instanceof ArrayBuffer ? new Uint8Array(cell) : (cell ?? null));
}

/** The server's own names for faults of a statement, which are none of SQLite's. */
const faultsOfStatement = /^(SQL_|SQLITE_UNKNOWN)/;

/** What was not sent, or was not let in, has surely had no effect. */
function explained(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { code, cause } = error as Error & { code?: unknown };
  const name = String(code ?? "");
  if (faultsOfStatement.test(name)) return new StatementError("refused", messageOf(error), "1");
  const known = codeInWords(name);
  if (known !== "") return new StatementError("refused", messageOf(error), known);
  const { status, code: reason } = (cause ?? {}) as { status?: unknown; code?: unknown };
  if (status === 401 || status === 403) return new StatementError("refused", messageOf(error), "23");
  if (reason === "ECONNREFUSED" || reason === "ENOTFOUND") {
    return new StatementError("unavailable", `the libSQL server cannot be reached: ${reason}`);
  }
  return error;
}
