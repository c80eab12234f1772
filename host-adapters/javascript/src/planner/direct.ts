// The planner in the caller's own thread, on databases that answer at once: where there are no
// other threads, and WebAssembly cannot be suspended. A call blocks the thread until it is done.

import type { Databases } from "../databases.js";
import { blockingInstance } from "./instance.js";
import { type MakePlanner, type Modules, plannerHere } from "./planner.js";

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
    return plannerHere((operation, parameters) => {
      const call = operations[operation] as (...parameters: unknown[]) => unknown;
      return call(...parameters);
    });
  };
}
