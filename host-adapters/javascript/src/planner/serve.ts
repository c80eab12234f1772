// The inside of a planner's thread.

import { failureOf, messageOf } from "../errors.js";
import { awaitAnswer, expectAnswer } from "./answer.js";
import type { Call, Message, Start } from "./blocking.js";
import { blockingInstance } from "./instance.js";
import { operationError } from "./planner.js";
import type { Parent } from "./thread.js";
import type { Operations } from "./wit.js";

/** Makes an instance when it is told to start, and then one call after the other. */
export function serve(parent: Parent): void {
  let operations: Operations | undefined;
  const post = (message: Message) => parent.post(message);
  parent.onMessage((message) => {
    try {
      if (operations === undefined) {
        operations = makeInstance(message as Start, post);
        post({ ready: true });
      } else {
        const { operation, parameters } = message as Call;
        const call = operations[operation] as (...parameters: unknown[]) => unknown;
        post({ value: call(...parameters) });
      }
    } catch (error) {
      const refused = operationError(error);
      if (refused === undefined) post({ trap: messageOf(error) });
      else post({ error: failureOf(refused) });
    }
  });
}

function makeInstance({ modules, settings, memory }: Start, post: (message: Message) => void): Operations {
  const ask = (message: Message) => {
    expectAnswer(memory);
    post(message);
    return awaitAnswer(memory);
  };
  return blockingInstance(modules, settings, {
    query: (source, statement, parameters) => ask({ query: [source, statement, parameters] }),
    pause: (milliseconds) => void ask({ pause: milliseconds }),
    claimTurn: (scope) => void ask({ claimTurn: scope }),
  });
}
