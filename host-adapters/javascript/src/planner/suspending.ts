// The planner in an engine that can suspend WebAssembly while a promise is pending (JSPI).

import { type Host, type MakePlanner, type Modules, operationError, random, trap } from "./planner.js";
import { fromComponent, rowsToComponent } from "./values.js";
import type { Database } from "./wit.js";

/** Whether the engine has JSPI. */
export function canSuspend(): boolean {
  return typeof (WebAssembly as { Suspending?: unknown }).Suspending === "function";
}

/** Instances in this thread. */
export function suspendingPlanners(modules: Modules): MakePlanner {
  return async (settings) => {
    const { instantiate } = await import("../../component/suspending/planner.js");
    let host: Host;
    const database = {
      settings: () => settings,
      pause: (milliseconds: number) => host.pause(milliseconds),
      claimTurn: (scope: string) => host.claimTurn(scope),
      async query(source: Database.Source, statement: string, parameters: Database.Value[]) {
        const answer = await host.query(source, statement, parameters.map(fromComponent));
        // jco takes the payload of what is thrown for the error of a result.
        if ("error" in answer) throw { payload: answer.error };
        return rowsToComponent(answer.ok);
      },
    };
    const imports = { "batchintory:inventory/database": database, "wasi:random/random": random };
    const { inventory } = await instantiate((name) => modules[name] as WebAssembly.Module, imports as never);
    const operations = inventory as unknown as Record<string, (...parameters: unknown[]) => Promise<unknown>>;
    let isBroken = false;
    return {
      async call(operation, parameters, callHost) {
        host = callHost;
        try {
          return await operations[operation]?.(...parameters);
        } catch (error) {
          const refused = operationError(error);
          if (refused !== undefined) throw refused;
          isBroken = true;
          throw trap(error);
        }
      },
      get isBroken() {
        return isBroken;
      },
      close() {},
    };
  };
}
