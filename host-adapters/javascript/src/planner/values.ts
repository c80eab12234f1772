// Values of the boundary: in the form of the component, and in that of JSON between threads.

import type { Value } from "../database.js";
import type { Answer } from "../databases.js";
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

/** An answer as the component has it: its rows, or its error, thrown. */
export function answerToComponent(answer: Answer): Database.Rows {
  // jco takes the payload of what is thrown for the error of a result.
  if ("error" in answer) throw { payload: answer.error };
  const { rows, affected } = answer.ok;
  return { rows: rows.map((row) => row.map(toComponent)), affected: BigInt(affected) };
}
