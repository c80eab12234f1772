// JSON that keeps integers: beyond 2^53 they are `bigint`s, which JSON.parse would round and JSON.stringify refuse.

/** Marks an integer in a string on its way through JSON.parse or JSON.stringify. */
const mark = "\u0000integer:";

/** JSON's strings and numbers. */
const tokens = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/** Parses JSON. Integers beyond 2^53 become `bigint`s, other numbers are `number`s. */
export function parse(text: string): unknown {
  const marked = text.replace(tokens, (token) => {
    const isInteger = /^-?\d+$/.test(token);
    return isInteger && !Number.isSafeInteger(Number(token)) ? JSON.stringify(mark + token) : token;
  });
  if (marked === text) return JSON.parse(text);
  return JSON.parse(marked, (_key, value) =>
    typeof value === "string" && value.startsWith(mark) ? BigInt(value.slice(mark.length)) : value,
  );
}

/** Writes JSON, `bigint`s as integers. `undefined` where JSON.stringify gives that. */
export function stringify(value: unknown): string | undefined {
  let hasIntegers = false;
  const text: string | undefined = JSON.stringify(value, (_key, value) => {
    if (typeof value !== "bigint") return value;
    hasIntegers = true;
    return mark + value;
  });
  return hasIntegers ? text.replace(/"\\u0000integer:(-?\d+)"/g, "$1") : text;
}
