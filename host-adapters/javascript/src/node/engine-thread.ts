// The thread with the engine and the drivers: whatever blocks here, the caller's event loop goes on, and whatever
// blocks that, claims and heartbeats go on.

import { workerData } from "node:worker_threads";
import type { LocalEngine } from "../engine.js";
import { failureOf } from "../errors.js";
import type { UrlOptions } from "../options.js";
import { openBy } from "./local-engine.js";
import { planners } from "./planners.js";
import { type Answer, type Message, ready } from "./remote-engine.js";
import { parent } from "./thread.js";

const caller = parent();
const post = (answer: Answer) => caller.post(answer);
/** What ends a call, or the heartbeats of a batch, by their number. */
const ends = new Map<number, () => void>();

async function answer(number: number, work: () => Promise<unknown>): Promise<void> {
  try {
    post({ number, value: await work() });
  } catch (error) {
    post({ number, failure: failureOf(error) });
  }
}

function endable(number: number): AbortController {
  const controller = new AbortController();
  ends.set(number, () => controller.abort());
  return controller;
}

function receive(engine: LocalEngine, message: Message): void {
  const { number } = message;
  switch (message.kind) {
    case "call":
    case "wait": {
      const { signal } = endable(number);
      const work = () =>
        message.kind === "call"
          ? engine.call(message.operation, message.parameters, signal)
          : engine.wait(message.metaTable, message.heard, message.milliseconds, signal);
      void answer(number, work).finally(() => ends.delete(number));
      break;
    }
    case "query": {
      const { source, statement, parameters } = message;
      void answer(number, () => engine.query(source, statement, parameters));
      break;
    }
    case "keep-alive": {
      const lost = (error: unknown) => post({ number, failure: failureOf(error) });
      const { claimToken, leaseSeconds, left } = message;
      ends.set(number, engine.keepAlive(claimToken, leaseSeconds, left, lost));
      break;
    }
    case "end":
      ends.get(number)?.();
      ends.delete(number);
      break;
    case "close":
      void answer(number, () => engine.close());
      break;
  }
}

void answer(ready, async () => {
  const engine = await openBy(workerData as UrlOptions, () => planners());
  caller.onMessage((message) => receive(engine, message as Message));
});
