// The planner in the caller's own thread, on databases that answer at once: where there are no
// other threads, and WebAssembly cannot be suspended. A call blocks the thread until it is done.

import type { Databases } from "../database.js";
import { blockingInstance } from "./instance.js";
import { type MakePlanner, type Modules, operationError, trap } from "./planner.js";

/** Instances in this thread. */
export function directPlanners(modules: Modules, databases: Databases): MakePlanner {
  const clock = new Int32Array(new SharedArrayBuffer(4));
  return async (settings) => {
    const operations = blockingInstance(modules, settings, {
      query: (source, statement, parameters) => databases.queryNow(source, statement, parameters),
      pause: (milliseconds) => void Atomics.wait(clock, 0, 0, milliseconds),
      // No other call of this thread is under way.
      claimTurn() {},
    });
    let isBroken = false;
    return {
      async call(operation, parameters) {
        const call = operations[operation] as (...parameters: unknown[]) => unknown;
        try {
          return call(...parameters);
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
