// batchintory in Cloudflare's runtime, workerd, which compiles no WebAssembly at run time: its
// modules are imported.

import core from "../component/planner.core.wasm";
import core2 from "../component/planner.core2.wasm";
import core3 from "../component/planner.core3.wasm";
import { LocalEngine } from "./engine.js";
import { errorOf } from "./errors.js";
import { Inventory } from "./inventory.js";
import { check, type DriverOptions, databasesOf, type QueryOptions } from "./options.js";
import type { Modules } from "./planner/planner.js";
import { canSuspend, suspendingPlanners } from "./planner/suspending.js";

export * from "./api.js";

const modules: Modules = {
  "planner.core.wasm": core,
  "planner.core2.wasm": core2,
  "planner.core3.wasm": core3,
};

/**
 * Opens an inventory on drivers, such as `d1(env.DB)`, or behind a query function. It belongs to the request that
 * opened it: Workers do not let requests wait for each other.
 */
export async function open(options: DriverOptions | QueryOptions): Promise<Inventory> {
  check(options);
  const databases = databasesOf(options);
  if (!canSuspend()) {
    throw errorOf(
      "unsupported",
      "this Worker's runtime cannot suspend WebAssembly (JSPI): choose a later compatibility_date",
    );
  }
  return new Inventory(new LocalEngine(databases, suspendingPlanners(modules)));
}
