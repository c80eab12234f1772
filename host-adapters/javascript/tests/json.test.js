// JSON with integers beyond 2^53.
import assert from "node:assert/strict";
import { test } from "node:test";
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
