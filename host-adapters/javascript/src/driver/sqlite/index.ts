// SQLite, by a library in this process. Its statements block their thread, which is none of the caller's.

import type { Database, Rows, Value } from "../../database.js";
import { errorOf, messageOf } from "../../errors.js";
import type { Access, SqliteUrl } from "../../node/database-url.js";
import { connect, type Statement } from "./library.js";
import { placeOf } from "./place.js";
import { parameter, read } from "./values.js";

/** How many prepared statements are kept. */
const maxStatements = 64;

/** Opens a file, or `:memory:`. A file of the inventory's is made when it is missing. */
export async function open(url: SqliteUrl, access: Access): Promise<Database> {
  const place = placeOf(url, access);
  const connection = await connect(place);
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
    // Readers and the writer do not keep each other waiting. Another's file is left as it is.
    if (!place.isInMemory && !place.isReadOnly) prepare("PRAGMA journal_mode = wal").all([]);
    // Finds out now whether the file is a database at all.
    prepare("SELECT count(*) FROM sqlite_schema").all([]);
  } catch (error) {
    connection.close();
    throw place.isReadOnly ? explained(error) : error;
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
    answersAtOnce: true,
    query(statement: string, parameters: Value[]): Rows {
      const found = prepare(statement).all(parameters.map(parameter));
      const rows = found.map((row) => row.map(read));
      return { rows, affected: affected() };
    },
    close: () => connection.close(),
  };
}

/** A file in WAL mode needs two others beside it, even to be read. */
function explained(error: unknown): unknown {
  const message = messageOf(error);
  if (!/unable to open|readonly/.test(message)) return error;
  return errorOf(
    "connect",
    `${message}; if the file is in WAL mode and its folder cannot be written to, it can be read where nobody ` +
      "writes to it: put ?immutable=1 behind its path",
  );
}
