// An instance of the component in this thread, which blocks while its host answers.

import { instantiate } from "../../component/blocking/planner.js";
import type { Answer, Source, Value } from "../database.js";
import { type Modules, random } from "./planner.js";
import { fromComponent, rowsToComponent } from "./values.js";
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
      const answer = host.query(source, statement, parameters.map(fromComponent));
      // jco takes the payload of what is thrown for the error of a result.
      if ("error" in answer) throw { payload: answer.error };
      return rowsToComponent(answer.ok);
    },
  };
  const imports = { "batchintory:inventory/database": database, "wasi:random/random": random };
  return instantiate((name) => modules[name] as WebAssembly.Module, imports as never).inventory as Operations;
}
