// Values of the boundary: in the form of the component, and in that of JSON between threads.

import type { Rows, Value } from "../database.js";
import type { Database } from "./wit.js";

/** A value as the component has it. */
export function toComponent(value: Value): Database.Value {
  switch (typeof value) {
    case "boolean":
      return { tag: "boolean", val: value };
    case "bigint":
      return { tag: "int64", val: value };
    case "number":
      return { tag: "float64", val: value };
    case "string":
      return { tag: "text", val: value };
    default:
      return { tag: "null" };
  }
}

/** A value of the component. */
export function fromComponent(value: Database.Value): Value {
  return value.tag === "null" ? null : value.val;
}

/** Rows as the component has them. */
export function rowsToComponent({ rows, affected }: Rows): Database.Rows {
  return { rows: rows.map((row) => row.map(toComponent)), affected: BigInt(affected) };
}
