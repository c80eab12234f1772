// Values of the boundary in PostgreSQL, read from the text that it sends.

import { unreadable, type Value } from "../../database.js";

type Reader = (text: string) => Value;

const text: Reader = (value) => value;

/** How to read a type, by its object id. */
const readers = new Map<number, Reader>([
  [16, (value) => value === "t"], // bool
  [20, BigInt], // int8
  [21, BigInt], // int2
  [23, BigInt], // int4
  [700, Number], // float4
  [701, Number], // float8
  [18, text], // "char"
  [19, text], // name
  [25, text], // text
  [705, text], // unknown
  [1042, text], // char
  [1043, text], // varchar
]);

/** For one query: the driver's own parsers, which others may have changed, are left alone. */
export const types = {
  // biome-ignore lint/suspicious/noExplicitAny: the driver's type for the result of a parser
  getTypeParser: (type: number): any => readers.get(type) ?? text,
};

/** Refuses columns of other types. */
export function check(fields: { name: string; dataTypeID: number }[]): void {
  for (const { name, dataTypeID } of fields) {
    if (readers.has(dataTypeID)) continue;
    throw unreadable(
      "postgresql",
      `the column "${name}" has a type with the object id ${dataTypeID}; cast it to bigint, double precision, text or boolean`,
    );
  }
}
