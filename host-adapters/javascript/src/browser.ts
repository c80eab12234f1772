// batchintory in a browser or an edge runtime: nothing of Node is needed.

import { planners } from "./browser/planners.js";
import { LocalEngine } from "./engine.js";
import { errorOf } from "./errors.js";
import { Inventory } from "./inventory.js";
import { check, databasesOf, type QueryOptions } from "./options.js";

export * from "./api.js";

/** Opens an inventory behind a query function. */
export async function open(options: QueryOptions): Promise<Inventory> {
  check(options);
  if (typeof options.query !== "function") {
    throw errorOf("unsupported", "databases by URL need Node; give a query function and its dialect here");
  }
  const module = options.module;
  const makePlanner = await (module === undefined ? planners() : planners(async (name) => module(name)));
  return new Inventory(new LocalEngine(databasesOf(options), makePlanner));
}
