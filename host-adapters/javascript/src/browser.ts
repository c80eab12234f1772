// batchintory in a browser or an edge runtime: nothing of Node is needed.

import { planners } from "./browser/planners.js";
import { LocalEngine } from "./engine.js";
import { Inventory } from "./inventory.js";
import { check, type DriverOptions, databasesOf, type QueryOptions } from "./options.js";

export * from "./api.js";

/** Opens an inventory on drivers, or behind a query function. */
export async function open(options: DriverOptions | QueryOptions): Promise<Inventory> {
  check(options);
  const databases = databasesOf(options);
  return new Inventory(new LocalEngine(databases, await planners(options.module)));
}
