// JSON with numbers that a `number` does not hold.
import assert from "node:assert/strict";
import { test } from "node:test";
import { JsonNumber } from "batchintory";
import { parse, stringify } from "batchintory/json";

test("integers beyond 2^53 come and go exactly", () => {
  const text =
    '{"big":[9223372036854775807,-9007199254740993],"text":"9223372036854775807, \\"quoted\\"","small":7,"real":1e300,"half":0.5}';
  const value = parse(text);
  assert.deepEqual(value.big, [9223372036854775807n, -9007199254740993n]);
  assert.equal(value.text, '9223372036854775807, "quoted"');
  assert.deepEqual([value.small, value.real, value.half], [7, 1e300, 0.5]);
  assert.equal(parse("9223372036854775808"), 9223372036854775808n);
  assert.equal(
    stringify({ uid: 9223372036854775807n, text: "1n" }),
    '{"uid":9223372036854775807,"text":"1n"}',
  );
  assert.deepEqual(parse(stringify(value)), value);
});

test("what is no JSON stays none", () => {
  assert.throws(() => parse("[9223372036854775807"), SyntaxError);
  assert.throws(() => parse("01"), SyntaxError);
  assert.equal(stringify(undefined), undefined);
});

test("what JSON does not know is refused, wherever it is", () => {
  const values = [
    Promise.resolve(5),
    new Map([[1, 2]]),
    new Set([1]),
    new Error("lost"),
    /x/,
    new Uint8Array(2),
    () => 1,
    Symbol("a"),
    new Date(Number.NaN),
  ];
  for (const value of values) {
    assert.throws(() => stringify(value), TypeError);
    assert.throws(() => stringify({ deep: [value] }), TypeError);
  }
  class Point {
    x = 1;
  }
  const known = {
    at: new Date(0),
    list: [],
    none: undefined,
    point: new Point(),
    text: Object("a"),
    bare: Object.create(null),
  };
  assert.equal(
    stringify(known),
    '{"at":"1970-01-01T00:00:00.000Z","list":[],"point":{"x":1},"text":"a","bare":{}}',
  );
});

test("numbers that a number does not hold are kept to the letter", () => {
  for (const text of [
    "1e400",
    "-1E-400",
    "123456789012345678901234567890e0",
    "3.14159265358979323846264338328",
    `0.${"1".repeat(200)}`,
  ]) {
    const value = parse(`[${text}]`);
    assert.ok(value[0] instanceof JsonNumber, text);
    assert.equal(String(value[0]), text);
    assert.equal(+value[0], Number(text));
    assert.equal(stringify(value), `[${text}]`);
    assert.equal(stringify(parse(text)), text);
  }
  for (const text of [
    "0",
    "-0.0",
    "0e5",
    "1.50",
    "0.10000000000000001",
    "5e-324",
    "1.7976931348623157e308",
  ]) {
    assert.equal(typeof parse(text), "number", text);
  }
  assert.throws(() => new JsonNumber("Infinity"), TypeError);
  assert.throws(() => stringify([Number.NaN]), TypeError);
});

test("strings that look like a mark are strings", () => {
  for (const value of ["\0integer:5", "\0number:x", "\0text:", "\0", 'a"\0number:5', "\ud800"]) {
    const document = { [value]: [value, 9007199254740993n] };
    assert.deepEqual(parse(stringify(document)), document);
    assert.equal(stringify({ [value]: value }), JSON.stringify({ [value]: value }));
  }
});
