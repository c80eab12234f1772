// JSON that keeps numbers as they are: JSON.parse rounds those that a `number` does not hold, and JSON.stringify
// writes infinity as null and refuses `bigint`s.

/** Begins strings that stand for something else on their way through JSON.parse or JSON.stringify. */
const mark = "\u0000";
/** What follows the mark of an integer, of another number, and of a string that begins with a mark itself. */
const kinds = { integer: "integer:", number: "number:", text: "text:" };

/** JSON's strings, with the colon behind those that are keys, and numbers. */
const tokens = /"(?:[^"\\]|\\.)*"(?:\s*:)?|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/** A number of a result that no `number` and no `bigint` holds, such as one of 30 decimal places, by its text. */
export class JsonNumber {
  /** The number as JSON writes it. */
  readonly text: string;

  /** Written to the letter where it is part of a result. */
  constructor(text: string) {
    if (!/^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(text))
      throw new TypeError(`${text} is no number of JSON`);
    this.text = text;
  }

  /** The nearest `number`. */
  valueOf(): number {
    return Number(this.text);
  }

  /** The number to the letter. */
  toString(): string {
    return this.text;
  }

  /** As a string, where it is written by JSON.stringify. */
  toJSON(): string {
    return this.text;
  }
}

/** Parses JSON. Integers beyond 2^53 become `bigint`s, other numbers that a `number` does not hold `JsonNumber`s. */
export function parse(text: string): unknown {
  const marked = text.replace(tokens, (token) => {
    if (token.startsWith('"')) return isMarked(token) ? `"\\u0000${kinds.text}${token.slice(1)}` : token;
    if (/^-?\d+$/.test(token))
      return Number.isSafeInteger(Number(token)) ? token : JSON.stringify(mark + kinds.integer + token);
    return isHeld(token) ? token : JSON.stringify(mark + kinds.number + token);
  });
  if (marked === text) return JSON.parse(text);
  return JSON.parse(marked, (_key, value) => {
    if (typeof value !== "string" || !value.startsWith(mark)) return value;
    const place = value.indexOf(":") + 1;
    const [kind, rest] = [value.slice(mark.length, place), value.slice(place)];
    if (kind === kinds.integer) return BigInt(rest);
    return kind === kinds.number ? new JsonNumber(rest) : rest;
  });
}

/** What JSON.stringify writes as what it is. */
const written = new Set(["Object", "Array", "Boolean", "Number", "String", "Date"]);

/** Refuses what JSON.stringify would leave out, or write as if nothing were in it. */
function refuse(original: unknown, value: unknown): void {
  if (typeof value === "function" || typeof value === "symbol")
    throw new TypeError(`a ${typeof value} has no JSON form`);
  if (original instanceof Date && value === null) throw new TypeError("an invalid date has no JSON form");
  if (typeof value !== "object" || value === null) return;
  const kind = Object.prototype.toString.call(value).slice("[object ".length, -1);
  if (kind === "Promise") throw new TypeError("a promise has no JSON form: await it first");
  if (!written.has(kind)) throw new TypeError(`an object of the kind ${kind} has no JSON form`);
}

/** Writes JSON, `bigint`s and `JsonNumber`s as numbers. `undefined` where JSON.stringify gives that.
 *  Throws a TypeError for what has no JSON form, wherever it is in the value. */
export function stringify(value: unknown): string | undefined {
  let hasMarks = false;
  const marked = (kind: string, text: string) => {
    hasMarks = true;
    return mark + kind + text;
  };
  const text: string | undefined = JSON.stringify(value, function (this: unknown, key, value) {
    const original = (this as Record<string, unknown>)[key];
    refuse(original, value);
    if (original instanceof JsonNumber) return marked(kinds.number, original.text);
    if (typeof value === "bigint") return marked(kinds.number, String(value));
    if (typeof value === "string" && value.startsWith(mark)) return marked(kinds.text, value);
    if (typeof value === "number" && !Number.isFinite(value))
      throw new TypeError(`${value} is no number of JSON`);
    return value;
  });
  if (!hasMarks) return text;
  const number = `"\\u0000${kinds.number}`;
  return text?.replace(tokens, (token) => {
    if (!isMarked(token)) return token;
    return token.startsWith(number)
      ? token.slice(number.length, -1)
      : `"${token.slice(`"\\u0000${kinds.text}`.length)}`;
  });
}

/** Whether a token is a string that begins with a mark, and no key. */
function isMarked(token: string): boolean {
  return token.startsWith('"\\u0000') && token.endsWith('"');
}

/** Whether a `number`, written with as many digits, is the same number. */
function isHeld(token: string): boolean {
  const digits = significantDigits(token);
  if (digits === "") return true;
  if (digits.length > mostDigits) return false;
  return significantDigits(Number(token).toPrecision(digits.length)) === digits;
}

/** The most digits that a `number` can be written with. */
const mostDigits = 100;

function significantDigits(number: string): string {
  return number
    .replace(/[eE].*/, "")
    .replace(/[-.]/g, "")
    .replace(/^0+/, "");
}
