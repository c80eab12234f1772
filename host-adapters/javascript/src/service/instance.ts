// An instance of the service, which answers one request at a time.

import { instantiate } from "../../component/service/service.js";
import type { Answer, Databases } from "../databases.js";
import type { Modules } from "../planner/planner.js";
import { random } from "../planner/planner.js";
import { answerToComponent, fromComponent } from "../planner/values.js";
import type { Database } from "../planner/wit.js";
import { sleep } from "../sleep.js";
import type { Access } from "./access.js";
import { Deadlines, wallClock } from "./clocks.js";
import * as http from "./http.js";
import { type Body, InputStream, IoError, OutputStream, Pollable, poll } from "./io.js";

/** The longest pause that the planner is granted. */
const maxPauseMilliseconds = 1_000;

/** With more memory than so many bytes an instance is not kept: it never gives any back. */
const mostKeptBytes = 8 * 1024 * 1024;

type Handle = (request: http.IncomingRequest, place: http.ResponseOutparam) => Promise<void>;

/** What an instance works on while it answers a request. */
export interface Host {
  readonly databases: Databases;
  /** Who may do what, or a sentence on what is wrong with it. */
  readonly access: Access;
  /** How long a statement may take, in milliseconds. */
  readonly statementTimeout: number;
  /** Told that the request claims: waits for its turn, and gives what ends that. */
  claimTurn(scope: string): Promise<() => void>;
  /** Takes a line on who did what; it holds no secret. */
  audit(line: string): void;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal | undefined;
}

/** An instance, which answers one request after the other. */
export class Instance {
  readonly #memories: WebAssembly.Memory[] = [];
  #deadlines = new Deadlines();
  #endTurn = () => {};
  #host: Host | undefined;
  #handle: Handle | undefined;
  #hasBrokenDown = false;

  /** Makes one. */
  static async of(modules: Modules): Promise<Instance> {
    const instance = new Instance();
    const made = await instantiate(
      (name) => modules[name] as WebAssembly.Module,
      instance.#imports() as never,
      (module, imports) => instance.#makeCore(module, imports),
    );
    instance.#handle = made.incomingHandler.handle as unknown as Handle;
    return instance;
  }

  /** Whether it may answer another request: it has not broken down, and has not grown by one that was large. */
  get isReusable(): boolean {
    const bytes = this.#memories.reduce((sum, { buffer }) => sum + buffer.byteLength, 0);
    return !this.#hasBrokenDown && bytes <= mostKeptBytes;
  }

  /** Answers a request. Throws where it breaks down. */
  async answer(request: Request, body: Body, host: Host): Promise<Response> {
    this.#host = host;
    this.#hasBrokenDown = true;
    const place = new http.ResponseOutparam();
    try {
      await this.#handle?.(new http.IncomingRequest(request, body), place);
      if (place.result?.tag !== "ok") throw new Error("the service has given no answer");
      this.#hasBrokenDown = false;
      return place.result.val.toResponse();
    } finally {
      this.#endTurn();
      this.#deadlines.end();
    }
  }

  /** Whoever asks while a request is under way. */
  get #asked(): Host {
    if (this.#host === undefined) throw new Error("the service asks its host without a request");
    return this.#host;
  }

  #makeCore(module: WebAssembly.Module, imports: WebAssembly.Imports): WebAssembly.Instance {
    const core = new WebAssembly.Instance(module, imports);
    const { memory } = core.exports;
    if (memory instanceof WebAssembly.Memory) this.#memories.push(memory);
    return core;
  }

  #imports() {
    const instance = this;
    const database = {
      settings: () => instance.#asked.databases.settings,
      pause: (milliseconds: number) =>
        sleep(Math.min(milliseconds, maxPauseMilliseconds), instance.#asked.signal),
      async claimTurn(scope: string) {
        // Whoever has one turn must not wait for another.
        instance.#endTurn();
        instance.#endTurn = await instance.#asked.claimTurn(scope);
      },
      async query(source: Database.Source, statement: string, parameters: Database.Value[]) {
        return answerToComponent(await query(instance.#asked, source, statement, parameters));
      },
    };
    return {
      "batchintory:inventory/database": database,
      "batchintory:http/configuration": { settings: () => settingsOf(instance.#asked.access) },
      "batchintory:http/notices": {
        audit: (line: string) => instance.#asked.audit(line),
        trouble: (line: string) => console.warn(`batchintory: ${line}`),
        wrongToken() {},
      },
      "wasi:clocks/monotonic-clock": {
        subscribeDuration: (nanoseconds: bigint) => instance.#deadlines.subscribeDuration(nanoseconds),
      },
      "wasi:clocks/wall-clock": wallClock,
      "wasi:http/types": http,
      "wasi:io/error": { Error: IoError },
      "wasi:io/poll": { Pollable, poll },
      "wasi:io/streams": { InputStream, OutputStream },
      "wasi:random/random": random,
    };
  }
}

function settingsOf(access: Access) {
  if ("wrong" in access) throw { payload: access.wrong };
  return access.settings;
}

/** Runs a statement, for as long as one may take and somebody waits for it. */
async function query(
  { databases, statementTimeout, signal }: Host,
  source: Database.Source,
  statement: string,
  parameters: Database.Value[],
): Promise<Answer> {
  if (signal?.aborted) return { error: { tag: "unavailable", val: gone } };
  // The statement is to end with it.
  const done = new AbortController();
  const leave = () => done.abort();
  const givenUp = (): Answer => {
    const late = `a statement has taken more than ${statementTimeout} ms; the service allows no more (statementTimeout)`;
    return { error: { tag: "outcome-unknown", val: signal?.aborted ? gone : late } };
  };
  signal?.addEventListener("abort", leave);
  try {
    return await Promise.race([
      databases.query(source, statement, parameters.map(fromComponent), done.signal),
      sleep(statementTimeout, done.signal).then(givenUp),
    ]);
  } finally {
    signal?.removeEventListener("abort", leave);
    done.abort();
  }
}

const gone = "the client has gone";
