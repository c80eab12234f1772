// How a thread that waits for its host's answer gets it: through memory that both share.

import type { Value } from "../database.js";
import type { Answer } from "../databases.js";

/** The most that an answer may need: a page of 10,000 items, of some 25 KiB each. */
const maxBytes = 256 * 1024 * 1024;

/** The memory begins with a flag, whether there is an answer, and the answer's length. */
const headerBytes = 8;

const waiting = 0;
const answered = 1;

/** Memory for answers, which grows as they need it. */
export function answerMemory(maxByteLength: number = maxBytes): SharedArrayBuffer {
  return new SharedArrayBuffer(64 * 1024, { maxByteLength });
}

/** Before the question is put: no answer is there yet. */
export function expectAnswer(memory: SharedArrayBuffer): void {
  Atomics.store(new Int32Array(memory, 0, 2), 0, waiting);
}

/**
 * Gives the answer to the thread that waits for it. Where there is no room for it the thread gets an error instead, whose
 * message is given back.
 */
export function giveAnswer(memory: SharedArrayBuffer, answer: Answer): string | undefined {
  let bytes = written(answer);
  let tooLarge: string | undefined;
  if (bytes === undefined || headerBytes + bytes.length > memory.maxByteLength) {
    tooLarge = `an answer of the database has more than ${memory.maxByteLength} bytes; ask for less at once`;
    const error = { tag: "outcome-unknown", val: tooLarge };
    bytes = new TextEncoder().encode(JSON.stringify({ error }));
  }
  if (headerBytes + bytes.length > memory.byteLength) memory.grow(headerBytes + bytes.length);
  new Uint8Array(memory, headerBytes).set(bytes);
  const header = new Int32Array(memory, 0, 2);
  header[1] = bytes.length;
  Atomics.store(header, 0, answered);
  Atomics.notify(header, 0);
  return tooLarge;
}

/** `undefined` where it is longer than a text may be. */
function written(answer: Answer): Uint8Array | undefined {
  try {
    return new TextEncoder().encode(JSON.stringify(answer, writeValue));
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Blocks the thread until the answer is there. */
export function awaitAnswer(memory: SharedArrayBuffer): Answer {
  const header = new Int32Array(memory, 0, 2);
  // A notice of the answer before may come late, and wake this thread too early.
  while (Atomics.load(header, 0) === waiting) Atomics.wait(header, 0, waiting);
  // Text is not decoded from shared memory in browsers.
  const bytes = new Uint8Array(memory, headerBytes, header[1]).slice();
  const answer = JSON.parse(new TextDecoder().decode(bytes));
  for (const row of answer.ok?.rows ?? []) {
    for (const [index, value] of row.entries()) row[index] = readValue(value);
  }
  return answer;
}

/** JSON has neither integers of 64 bits nor numbers that are infinite. */
function writeValue(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return { integer: String(value) };
  if (typeof value === "number" && !Number.isFinite(value)) return { number: String(value) };
  return value;
}

function readValue(value: Value | { integer: string } | { number: string }): Value {
  if (value === null || typeof value !== "object") return value;
  return "integer" in value ? BigInt(value.integer) : Number(value.number);
}
