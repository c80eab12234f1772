// SQLite's result codes by their names, for what tells the name alone, as Cloudflare's databases do
// at the end of their words: "too many SQL variables: SQLITE_ERROR".

/** The names of the primary codes, from 1 on. */
const names =
  "ERROR INTERNAL PERM ABORT BUSY LOCKED NOMEM READONLY INTERRUPT IOERR CORRUPT NOTFOUND FULL CANTOPEN PROTOCOL EMPTY " +
  "SCHEMA TOOBIG CONSTRAINT MISMATCH MISUSE NOLFS AUTH FORMAT RANGE NOTADB";

const codes = new Map(names.split(" ").map((name, index) => [name, index + 1]));

/** The code whose name these words hold; empty where they hold none. */
export function codeInWords(words: string): string {
  const [, name = ""] = /\bSQLITE_([A-Z]+)/.exec(words) ?? [];
  return String(codes.get(name) ?? "");
}
