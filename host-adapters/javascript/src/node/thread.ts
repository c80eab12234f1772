// Threads of Node.

import { parentPort, type Worker, type WorkerOptions } from "node:worker_threads";
import { type BatchintoryError, errorOf, messageOf } from "../errors.js";
import type { Listener, Parent, Thread } from "../planner/thread.js";

/** Starts a thread by what `make` gives for these options. */
export function startThread(
  make: (options: WorkerOptions) => Worker,
  data: unknown,
  listener: Listener,
): Thread {
  let worker: Worker;
  try {
    // Options of the program's own, such as --input-type, are not for this thread.
    worker = make({ workerData: data, execArgv: [] });
  } catch (error) {
    throw withoutFiles(error);
  }
  worker.on("message", (message) => listener.message(message));
  worker.on("error", (error) => listener.error(isWithoutFiles(error) ? withoutFiles(error) : error));
  worker.on("exit", (code) => listener.error(new Error(`its thread has ended with ${code}`)));
  worker.unref();
  return {
    post: (message) => worker.postMessage(message),
    keepsProcessAlive: (keeps) => (keeps ? worker.ref() : worker.unref()),
    terminate: () => void worker.terminate(),
  };
}

/** Whether a thread ended since its module, or one that this needs, is not there. */
function isWithoutFiles(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return /MODULE_NOT_FOUND$/.test(code) || /module not found/i.test(messageOf(error));
}

/** What is said where the package's files are not where they were, as in a program that was bundled. */
function withoutFiles(error: unknown): BatchintoryError {
  const message = `no thread can be started, since the package's files are not beside it: ${messageOf(error)}; `;
  return errorOf("unsupported", `${message}keep the package out of the bundle (external)`);
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
