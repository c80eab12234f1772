// Values where SQLite's integers come as JavaScript's numbers, as in Cloudflare's databases.

import { unreadable, type Value } from "../../database.js";
import { parameter, read } from "./values.js";

/** The lowest integer of 64 bits: the planner's own words for "before all ids". A number holds it exactly. */
const lowest = -(2 ** 63);

/** A selected value, as such a database gives it; a blob as its bytes, however they come. */
export type NumberCell = null | number | string | ArrayBuffer | readonly number[];

/** A parameter. The planner casts each: so text will do for an integer that a number does not hold. */
export function numberParameter(value: Value): null | number | string {
  const plain = parameter(value);
  if (typeof plain !== "bigint") return plain;
  return Number.isSafeInteger(Number(plain)) ? Number(plain) : String(plain);
}

/** A selected value. A whole number counts as an integer; where it may stand for several, it is refused. */
export function readNumberCell(value: NumberCell): Value {
  if (typeof value === "object" && value !== null) return read(new Uint8Array(value));
  if (typeof value !== "number" || !Number.isInteger(value)) return value;
  if (Number.isSafeInteger(value) || value === lowest) return BigInt(value);
  // No integer of 64 bits is rounded to more than the highest: it was a double.
  if (Math.abs(value) > -lowest) return value;
  throw unreadable(
    "sqlite",
    `a value of about ${value} has come as a number, which is not exact beyond 2^53: keep ids, counts and weights ` +
      "between -2^53 and 2^53 here, or take another database",
  );
}
