// An instance of the component in this thread, which blocks while its host answers.

import { instantiate } from "../../component/blocking/planner.js";
import type { Source, Value } from "../database.js";
import type { Answer } from "../databases.js";
import { type Modules, random } from "./planner.js";
import { answerToComponent, fromComponent } from "./values.js";
import type { Database, Operations } from "./wit.js";

/** What an instance asks of its host, which answers at once. */
export interface BlockingHost {
  query(source: Source, statement: string, parameters: Value[]): Answer;
  pause(milliseconds: number): void;
  claimTurn(scope: string): void;
}

/** Makes an instance. Web browsers allow ones of this size to be made synchronously in threads only. */
export function blockingInstance(
  modules: Modules,
  settings: Database.DatabaseSettings,
  host: BlockingHost,
): Operations {
  const database = {
    settings: () => settings,
    pause: (milliseconds: number) => host.pause(milliseconds),
    claimTurn: (scope: string) => host.claimTurn(scope),
    query(source: Database.Source, statement: string, parameters: Database.Value[]) {
      return answerToComponent(host.query(source, statement, parameters.map(fromComponent)));
    },
  };
  const imports = { "batchintory:inventory/database": database, "wasi:random/random": random };
  return instantiate((name) => modules[name] as WebAssembly.Module, imports as never).inventory as Operations;
}
