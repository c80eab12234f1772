// batchintory in Node.

import { LocalEngine } from "./engine.js";
import { Inventory } from "./inventory.js";
import { planners } from "./node/planners.js";
import { RemoteEngine } from "./node/remote-engine.js";
import { check, databasesOf, type QueryOptions, type UrlOptions } from "./options.js";

export * from "./api.js";

/**
 * Opens an inventory, by the URLs of its databases or by a query function. Databases by URL are spoken to in a
 * thread of their own: the caller's event loop is never blocked.
 */
export async function open(options: UrlOptions | QueryOptions): Promise<Inventory> {
  check(options);
  if ("query" in options) return new Inventory(new LocalEngine(databasesOf(options), await planners()));
  return new Inventory(await RemoteEngine.open(options));
}
