// batchintory in Node.

import { type Engine, LocalEngine } from "./engine.js";
import { UnsupportedError } from "./errors.js";
import { Inventory } from "./inventory.js";
import { openHere } from "./node/local-engine.js";
import { planners } from "./node/planners.js";
import { RemoteEngine } from "./node/remote-engine.js";
import {
  areUrls,
  check,
  type DriverOptions,
  databasesOf,
  type QueryOptions,
  type UrlOptions,
} from "./options.js";

export * from "./api.js";

/**
 * Opens an inventory, by the URLs of its databases, on drivers or behind a query function. Databases by URL are spoken
 * to in a thread of their own: the caller's event loop is never blocked.
 */
export async function open(options: UrlOptions | DriverOptions | QueryOptions): Promise<Inventory> {
  check(options);
  if (areUrls(options)) return new Inventory(await engineOf(options));
  const databases = databasesOf(options);
  return new Inventory(new LocalEngine(databases, await planners(options.module)));
}

/** An engine in a thread of its own, or in this one where there are no others. */
async function engineOf(options: UrlOptions): Promise<Engine> {
  try {
    return await RemoteEngine.open(options);
  } catch (error) {
    if (error instanceof UnsupportedError) return openHere(options);
    throw error;
  }
}
