// The planner in an engine that can suspend WebAssembly while a promise is pending (JSPI).

import { type Host, type MakePlanner, type Modules, plannerHere, random } from "./planner.js";
import { answerToComponent, fromComponent } from "./values.js";
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
        return answerToComponent(await host.query(source, statement, parameters.map(fromComponent)));
      },
    };
    const imports = { "batchintory:inventory/database": database, "wasi:random/random": random };
    const { inventory } = await instantiate((name) => modules[name] as WebAssembly.Module, imports as never);
    const operations = inventory as unknown as Record<string, (...parameters: unknown[]) => Promise<unknown>>;
    return plannerHere((operation, parameters, callHost) => {
      host = callHost;
      return operations[operation]?.(...parameters);
    });
  };
}
