// An engine in the caller's own thread, where there is none to be had for it: in a program that a
// bundler has made one file of.

import { Databases } from "../databases.js";
import { LocalEngine } from "../engine.js";
import { errorOf } from "../errors.js";
import type { UrlOptions } from "../options.js";
import { directPlanners } from "../planner/direct.js";
import { type MakePlanner, modulesBy } from "../planner/planner.js";
import { canSuspend, suspendingPlanners } from "../planner/suspending.js";
import { connect } from "./connect.js";
import { readModule } from "./modules.js";

/** Opens the databases; `make` gives their planner. */
export async function openBy(
  { inventory, meta = inventory, ...options }: UrlOptions,
  make: (databases: Databases) => Promise<MakePlanner>,
): Promise<LocalEngine> {
  const ours = await connect(inventory, "create");
  try {
    const theirs = meta === inventory ? ours : await connect(meta, "read-only");
    const databases = new Databases(ours, theirs, options);
    return new LocalEngine(databases, await make(databases));
  } catch (error) {
    await ours.close();
    throw error;
  }
}

/** Opens the databases, with a planner that needs no other thread. */
export async function openHere(options: UrlOptions): Promise<LocalEngine> {
  return openBy(options, async (databases) => {
    if (canSuspend()) return suspendingPlanners(await modulesBy(readModule));
    if (databases.answerAtOnce) return directPlanners(await modulesBy(readModule), databases);
    throw errorOf(
      "unsupported",
      "the package's files are not beside it, as in a program that was bundled, and this runtime cannot suspend " +
        "WebAssembly (JSPI): keep the package out of the bundle (external), take Node 26, or SQLite",
    );
  });
}
