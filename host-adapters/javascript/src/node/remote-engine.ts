// An engine in a thread of its own.

import { Worker, type WorkerOptions } from "node:worker_threads";
import type { Source, Value } from "../database.js";
import type { Answer as DatabaseAnswer } from "../databases.js";
import type { Engine } from "../engine.js";
import {
  type BatchintoryError,
  errorOf,
  type Failure,
  isLoss,
  type LossError,
  messageOf,
  UnsupportedError,
} from "../errors.js";
import type { UrlOptions } from "../options.js";
import type { Thread } from "../planner/thread.js";
import type { Operation } from "../planner/wit.js";
import { startThread } from "./thread.js";

/** What is asked of the thread. */
export type Message = { number: number } & (
  | { kind: "call"; operation: Operation; parameters: unknown[] }
  | { kind: "wait"; metaTable: string; heard: number; milliseconds: number }
  | { kind: "query"; source: Source; statement: string; parameters: Value[] }
  | { kind: "keep-alive"; claimToken: string; leaseSeconds: number; left: number }
  | { kind: "end" }
  | { kind: "close" }
);

/** What comes from the thread. */
export type Answer = { number: number } & ({ value: unknown } | { failure: Failure });

/** The number of the answer that comes by itself, once the databases are open. */
export const ready = 0;

interface Pending {
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** Why nothing can be asked of the thread any more. */
function ended(error: unknown): BatchintoryError {
  if (error instanceof UnsupportedError) return error;
  return errorOf("trap", `batchintory's thread has ended: ${messageOf(error)}`);
}

/** Makes calls in another thread, which keeps the process alive only while one is under way. */
export class RemoteEngine implements Engine {
  readonly #thread: Thread;
  readonly #pending = new Map<number, Pending>();
  readonly #losses = new Map<number, (error: LossError) => void>();
  #numbers = ready;
  #end: Error | undefined;

  private constructor(options: UrlOptions) {
    // The address stands here in full for bundlers.
    const make = (of: WorkerOptions) => new Worker(new URL("./engine-thread.js", import.meta.url), of);
    this.#thread = startThread(make, options, {
      message: (answer) => this.#receive(answer as Answer),
      error: (error) => this.#endBy(ended(error)),
    });
  }

  /** Opens the databases. */
  static async open(options: UrlOptions): Promise<RemoteEngine> {
    const engine = new RemoteEngine(options);
    try {
      await engine.#answer(ready);
      return engine;
    } catch (error) {
      engine.#thread.terminate();
      throw error;
    }
  }

  async call(operation: Operation, parameters: unknown[], signal?: AbortSignal): Promise<unknown> {
    return this.#ask((number) => ({ kind: "call", number, operation, parameters }), signal);
  }

  async wait(metaTable: string, heard: number, milliseconds: number, signal?: AbortSignal): Promise<number> {
    const message = (number: number) => ({ kind: "wait", number, metaTable, heard, milliseconds }) as const;
    return (await this.#ask(message, signal)) as number;
  }

  /** Sends a message that is answered, unless the signal ends it. */
  async #ask(message: (number: number) => Message, signal: AbortSignal | undefined): Promise<unknown> {
    if (this.#end !== undefined) throw this.#end;
    const number = ++this.#numbers;
    const answer = this.#answer(number);
    this.#post(message(number));
    if (signal === undefined) return answer;
    const abort = () => this.#post({ kind: "end", number });
    signal.addEventListener("abort", abort);
    // An abort that came before is heard of by nobody.
    if (signal.aborted) abort();
    return answer.finally(() => signal.removeEventListener("abort", abort));
  }

  async query(source: Source, statement: string, parameters: Value[]): Promise<DatabaseAnswer> {
    if (this.#end !== undefined) throw this.#end;
    const number = ++this.#numbers;
    const answer = this.#answer(number);
    this.#post({ kind: "query", number, source, statement, parameters });
    return answer as Promise<DatabaseAnswer>;
  }

  keepAlive(
    claimToken: string,
    leaseSeconds: number,
    left: number,
    lost: (error: LossError) => void,
  ): () => void {
    const number = ++this.#numbers;
    this.#losses.set(number, lost);
    this.#post({ kind: "keep-alive", number, claimToken, leaseSeconds, left });
    return () => {
      this.#losses.delete(number);
      this.#post({ kind: "end", number });
    };
  }

  async close(): Promise<void> {
    if (this.#end !== undefined) return;
    this.#end = errorOf("closed", "the inventory is closed; open it again");
    const number = ++this.#numbers;
    const closed = this.#answer(number);
    this.#post({ kind: "close", number });
    await closed;
    this.#thread.terminate();
  }

  #answer(number: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#pending.set(number, { resolve, reject });
      this.#thread.keepsProcessAlive(true);
    });
  }

  #post(message: Message): void {
    this.#thread.post(message);
  }

  #receive(answer: Answer): void {
    const { number } = answer;
    const pending = this.#take(number);
    if ("value" in answer) {
      pending?.resolve(answer.value);
      return;
    }
    const { code, message, facts } = answer.failure;
    const error = errorOf(code, message, facts);
    pending?.reject(error);
    if (isLoss(error)) this.#losses.get(number)?.(error);
    this.#losses.delete(number);
  }

  #take(number: number): Pending | undefined {
    const pending = this.#pending.get(number);
    this.#pending.delete(number);
    if (this.#pending.size === 0) this.#thread.keepsProcessAlive(false);
    return pending;
  }

  /** The thread has ended. */
  #endBy(error: Error): void {
    this.#end ??= error;
    for (const number of this.#pending.keys()) this.#take(number)?.reject(error);
  }
}
