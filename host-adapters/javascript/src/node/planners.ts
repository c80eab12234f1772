// Instances of the planner in Node: suspended while they wait where the engine can, else in threads that block.

import { blockingPlanners } from "../planner/blocking.js";
import { computeMilliseconds } from "../planner/limits.js";
import type { MakePlanner } from "../planner/planner.js";
import { canSuspend, suspendingPlanners } from "../planner/suspending.js";
import { compile } from "./modules.js";
import { startThread } from "./thread.js";

/** Compiles the planner. */
export async function planners(): Promise<MakePlanner> {
  const modules = await compile();
  if (canSuspend()) return suspendingPlanners(modules);
  const module = new URL("./planner-thread.js", import.meta.url);
  return blockingPlanners(
    modules,
    (listener) => startThread(module, undefined, listener),
    computeMilliseconds,
  );
}
