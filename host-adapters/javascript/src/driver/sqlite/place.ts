// Where an SQLite database is, and how it is opened.

import { existsSync } from "node:fs";
import { type Access, Fault, refuseOthers, type SqliteUrl } from "../../node/database-url.js";

/** Where a database is. */
export interface Place {
  /** A path, or `:memory:`. */
  path: string;
  /** A URL of SQLite's own, where a path cannot say all that is asked for. */
  uri: string | undefined;
  isInMemory: boolean;
  isReadOnly: boolean;
}

/** Options of SQLite's own URLs. */
const options = ["cache", "immutable", "mode", "nolock", "psow", "vfs"];

/** Reads a URL's path and options. */
export function placeOf(url: SqliteUrl, access: Access): Place {
  refuseOthers(url.options, [...options, "uri"]);
  const { path } = url;
  if (path === "") throw new Fault("the path of the file is missing, as in sqlite:lake.sqlite");
  const given = new Map([...url.options].filter(([name, value]) => name !== "uri" && value !== ""));
  const mode = given.get("mode");
  const isUri = path.startsWith("file:");
  const isImmutable = (given.get("immutable") ?? "0") !== "0";
  const isReadOnly = access === "read-only" || mode === "ro" || isImmutable;
  if (isReadOnly) given.set("mode", "ro");
  const mayCreate = !isReadOnly && mode !== "rw";
  if (!mayCreate && !isUri && path !== ":memory:" && !existsSync(path))
    throw new Fault("there is no such file");
  // What a path and the flags of a library can say needs no URL.
  const needsUri = isUri || [...given.keys()].some((name) => name !== "mode") || mode === "memory";
  const query = [...given].map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join("&");
  const file = isUri ? path : `file:${encodeURI(path).replaceAll("?", "%3F").replaceAll("#", "%23")}`;
  return {
    path,
    uri: needsUri ? `${file}${query === "" ? "" : "?"}${query}` : undefined,
    isInMemory: path === ":memory:",
    isReadOnly: isReadOnly && path !== ":memory:",
  };
}
