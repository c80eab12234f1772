// SQLite, by a library in this process. Its statements block their thread, which is none of the caller's.

import type { Database, Rows, Value } from "../../database.js";
import { connect, type Statement } from "./library.js";
import { parameter, read } from "./values.js";

/** How many prepared statements are kept. */
const maxStatements = 64;

/** Opens a file, which is made when it is missing, or `:memory:`. */
export async function open(path: string): Promise<Database> {
  if (path === "") throw new Error("the path of the file is missing, as in sqlite:lake.sqlite");
  const connection = await connect(path);
  const statements = new Map<string, Statement>();

  function prepare(text: string): Statement {
    const known = statements.get(text);
    if (known !== undefined) return known;
    if (statements.size === maxStatements) statements.clear();
    const statement = connection.prepare(text);
    statements.set(text, statement);
    return statement;
  }

  try {
    // Readers and the writer do not keep each other waiting.
    if (path !== ":memory:") prepare("PRAGMA journal_mode = wal").all([]);
    // Finds out now whether the file is a database at all.
    prepare("SELECT count(*) FROM sqlite_schema").all([]);
  } catch (error) {
    connection.close();
    throw error;
  }

  const changes = connection.prepare("SELECT changes(), total_changes()");
  let changesSoFar = 0n;

  /** How many rows the last statement changed. A statement that only reads leaves the number of the one before. */
  function affected(): number {
    const [[last, total]] = changes.all([]) as [[bigint, bigint]];
    const hasChanged = total !== changesSoFar;
    changesSoFar = total;
    return hasChanged ? Number(last) : 0;
  }

  return {
    dialect: "sqlite",
    query(statement: string, parameters: Value[]): Rows {
      const found = prepare(statement).all(parameters.map(parameter));
      const rows = found.map((row) => row.map(read));
      return { rows, affected: affected() };
    },
    close: () => connection.close(),
  };
}
