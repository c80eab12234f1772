// Threads of Node.

import { parentPort, Worker } from "node:worker_threads";
import type { Listener, Parent, Thread } from "../planner/thread.js";

/** Starts the module at this address in a thread. */
export function startThread(module: URL, data: unknown, listener: Listener): Thread {
  // Options of the program's own, such as --input-type, are not for this thread.
  const worker = new Worker(module, { workerData: data, execArgv: [] });
  worker.on("message", (message) => listener.message(message));
  worker.on("error", (error) => listener.error(error));
  worker.on("exit", (code) => listener.error(new Error(`its thread has ended with ${code}`)));
  worker.unref();
  return {
    post: (message) => worker.postMessage(message),
    keepsProcessAlive: (keeps) => (keeps ? worker.ref() : worker.unref()),
    terminate: () => void worker.terminate(),
  };
}

/** The thread's own side, within a thread. */
export function parent(): Parent {
  const port = parentPort;
  if (port === null) throw new Error("this module runs in a thread");
  return {
    post: (message) => port.postMessage(message),
    onMessage: (listener) => void port.on("message", listener),
  };
}
