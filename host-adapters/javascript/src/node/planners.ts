// Instances of the planner in Node: suspended while they wait where the engine can, else in threads that block.

import { Worker, type WorkerOptions } from "node:worker_threads";
import { blockingPlanners } from "../planner/blocking.js";
import { computeMilliseconds } from "../planner/limits.js";
import { type FindModule, type MakePlanner, modulesBy } from "../planner/planner.js";
import { canSuspend, suspendingPlanners } from "../planner/suspending.js";
import { readModule } from "./modules.js";
import { startThread } from "./thread.js";

/** Compiles the planner. */
export async function planners(find: FindModule = readModule): Promise<MakePlanner> {
  const modules = await modulesBy(find);
  if (canSuspend()) return suspendingPlanners(modules);
  // The address stands here in full for bundlers.
  const make = (options: WorkerOptions) =>
    new Worker(new URL("./planner-thread.js", import.meta.url), options);
  return blockingPlanners(modules, (listener) => startThread(make, undefined, listener), computeMilliseconds);
}
