// Which statements are kept prepared: the cases that hold for all of batchintory's hosts.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { installed } from "./installed.js";

const { Kept } = await import(pathToFileURL(path.join(installed, "dist", "driver/postgres/kept.js")).href);
const { cases } = JSON.parse(readFileSync(new URL("./kept_statements.json", import.meta.url), "utf8"));

test("texts that repeat are kept", () => {
  for (const { name, most, steps } of cases) {
    const kept = new Kept(most);
    for (const [number, { text, times = 1, sent, closes }] of steps.entries()) {
      for (let time = 0; time < times; time += 1) {
        const turn = kept.turn(text);
        const oldest = turn.sent === "prepare" ? kept.keep(text) : undefined;
        assert.deepEqual([turn.sent, turn.closes ?? oldest], [sent, closes], `${name}: ${number}`);
      }
    }
  }
});
