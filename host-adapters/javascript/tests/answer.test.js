// The memory by which a thread that blocks gets its answers.
import assert from "node:assert/strict";
import { once } from "node:events";
import path from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import { installed } from "./installed.js";

const module = pathToFileURL(path.join(installed, "dist/planner/answer.js")).href;
const { answerMemory, giveAnswer } = await import(module);

/** A thread that waits for answers and tells what it got. */
function waiting(context, memory) {
  const program = `
    const { parentPort, workerData } = require("node:worker_threads");
    import(${JSON.stringify(module)}).then(({ awaitAnswer, expectAnswer }) => {
      for (;;) {
        expectAnswer(workerData);
        parentPort.postMessage(awaitAnswer(workerData));
      }
    });`;
  const thread = new Worker(program, { eval: true, workerData: memory });
  context.after(() => thread.terminate());
  return thread;
}

/** Wakes the thread without an answer, as soon as it waits. */
async function wake(memory) {
  while (Atomics.notify(new Int32Array(memory, 0, 2), 0) === 0) await sleep(1);
}

const rows = (...row) => ({ ok: { rows: [row], affected: 1 } });

test("a notice that comes late, of the answer before, is no answer", async (context) => {
  const memory = answerMemory();
  const thread = waiting(context, memory);
  await wake(memory);
  // It waits again, unless it took the notice for an answer.
  await wake(memory);
  giveAnswer(memory, rows("the answer"));
  const [answer] = await once(thread, "message");
  assert.deepEqual(answer, rows("the answer"));
});

test("every value comes through, and answers that are longer than any before", async (context) => {
  const memory = answerMemory();
  const thread = waiting(context, memory);
  const long = "lang, länger, 最長".repeat(100_000);
  for (const answer of [
    rows(null, true, 9223372036854775807n, -0.5, Number.POSITIVE_INFINITY, "text", '{"integer":"1"}'),
    rows(long),
    rows("short"),
    { error: { tag: "refused", val: { code: "13", message: "no" } } },
  ]) {
    await wake(memory);
    const told = once(thread, "message");
    giveAnswer(memory, answer);
    assert.deepEqual((await told)[0], answer);
  }
});

test("an answer that has no room is told", async (context) => {
  const memory = answerMemory(70_000);
  const thread = waiting(context, memory);
  await wake(memory);
  const told = once(thread, "message");
  assert.match(giveAnswer(memory, rows("x".repeat(70_000))), /more than 70000 bytes; ask for less/);
  assert.match((await told)[0].error.val, /ask for less/);
  await wake(memory);
  assert.equal(giveAnswer(memory, rows("x".repeat(60_000))), undefined);
});
