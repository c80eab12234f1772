// Instances of the planner in a browser or an edge runtime: suspended while they wait where the engine can, else in
// threads that block, which must be allowed to share memory.

import { errorOf } from "../errors.js";
import { addressOf } from "../planner/addresses.js";
import { blockingPlanners } from "../planner/blocking.js";
import { computeMilliseconds } from "../planner/limits.js";
import { type FindModule, type MakePlanner, modulesBy } from "../planner/planner.js";
import { canSuspend, suspendingPlanners } from "../planner/suspending.js";
import type { StartThread } from "../planner/thread.js";

/** Compiles the planner. */
export async function planners(find: FindModule = fetchModule): Promise<MakePlanner> {
  const canBlock = globalThis.crossOriginIsolated === true && typeof Worker === "function";
  if (!canSuspend() && !canBlock) {
    throw errorOf(
      "unsupported",
      "this engine can neither suspend WebAssembly (JSPI) nor share memory between threads: use one that has JSPI, or " +
        "serve the page with the headers Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp",
    );
  }
  const modules = await modulesBy(find);
  return canSuspend()
    ? suspendingPlanners(modules)
    : blockingPlanners(modules, startThread, computeMilliseconds);
}

async function fetchModule(name: string): Promise<WebAssembly.Module> {
  const response = await fetch(addressOf(name));
  if (!response.ok) throw errorOf("unavailable", `${response.url} cannot be fetched: ${response.status}`);
  // compileStreaming would ask for a content type that not every server knows.
  return WebAssembly.compile(await response.arrayBuffer());
}

const startThread: StartThread = (listener) => {
  const worker = new Worker(new URL("./planner-thread.js", import.meta.url), { type: "module" });
  worker.onmessage = (event) => listener.message(event.data);
  worker.onerror = (event) => listener.error(new Error(event.message));
  return {
    post: (message) => worker.postMessage(message),
    keepsProcessAlive() {},
    terminate: () => worker.terminate(),
  };
};
