// The inside of a planner's thread.

import { instantiate } from "../../component/blocking/planner.js";
import { failureOf, messageOf } from "../errors.js";
import { awaitAnswer, expectAnswer } from "./answer.js";
import type { Call, Message, Start } from "./blocking.js";
import { operationError, random } from "./planner.js";
import type { Parent } from "./thread.js";
import { fromComponent, rowsToComponent } from "./values.js";
import type { Database, Operations } from "./wit.js";

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
  const database = {
    settings: () => settings,
    pause(milliseconds: number) {
      ask({ pause: milliseconds });
    },
    claimTurn(scope: string) {
      ask({ claimTurn: scope });
    },
    query(source: Database.Source, statement: string, parameters: Database.Value[]) {
      const answer = ask({ query: [source, statement, parameters.map(fromComponent)] });
      // jco takes the payload of what is thrown for the error of a result.
      if ("error" in answer) throw { payload: answer.error };
      return rowsToComponent(answer.ok);
    },
  };
  const imports = { "batchintory:inventory/database": database, "wasi:random/random": random };
  // Web browsers allow instances of this size to be made synchronously in threads only.
  return instantiate((name) => modules[name] as WebAssembly.Module, imports as never).inventory as Operations;
}
