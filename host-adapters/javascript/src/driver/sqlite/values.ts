// Values of the boundary in SQLite.

import { unreadable, type Value } from "../../database.js";

const strict = new TextDecoder("utf-8", { fatal: true });

/** A parameter: SQLite has no truth values. */
export function parameter(value: Value): null | bigint | number | string {
  return typeof value === "boolean" ? BigInt(value) : value;
}

/** A selected value. A blob counts as text if it is. */
export function read(value: null | bigint | number | string | Uint8Array): Value {
  if (!(value instanceof Uint8Array)) return value;
  try {
    return strict.decode(value);
  } catch {
    throw unreadable("sqlite", "a value is neither a number nor UTF-8 text");
  }
}
