// An instance of the service, which answers one request.

import { instantiate } from "../../component/service/service.js";
import type { Answer, Databases } from "../database.js";
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

/** What an instance works on. */
export interface Host {
  readonly databases: Databases;
  /** Who may do what, or a sentence on what is wrong with it. */
  readonly access: Access;
  /** How long a statement may take, in milliseconds. */
  readonly statementTimeout: number;
  /** Told that the request claims: waits for its turn, and gives what ends that. */
  claimTurn(scope: string): Promise<() => void>;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal | undefined;
}

/** Answers a request by an instance of its own. Throws where that breaks down. */
export async function answer(modules: Modules, request: Request, body: Body, host: Host): Promise<Response> {
  const deadlines = new Deadlines();
  let endTurn = () => {};
  const database = {
    settings: () => host.databases.settings,
    pause: (milliseconds: number) => sleep(Math.min(milliseconds, maxPauseMilliseconds), host.signal),
    async claimTurn(scope: string) {
      // Whoever has one turn must not wait for another.
      endTurn();
      endTurn = await host.claimTurn(scope);
    },
    async query(source: Database.Source, statement: string, parameters: Database.Value[]) {
      return answerToComponent(await query(host, source, statement, parameters));
    },
  };
  const imports = {
    "batchintory:inventory/database": database,
    "batchintory:http/configuration": { settings: () => settingsOf(host.access) },
    "batchintory:http/notices": notices,
    "wasi:clocks/monotonic-clock": {
      subscribeDuration: (nanoseconds: bigint) => deadlines.subscribeDuration(nanoseconds),
    },
    "wasi:clocks/wall-clock": wallClock,
    "wasi:http/types": http,
    "wasi:io/error": { Error: IoError },
    "wasi:io/poll": { Pollable, poll },
    "wasi:io/streams": { InputStream, OutputStream },
    "wasi:random/random": random,
  };
  try {
    const { incomingHandler } = await instantiate(
      (name) => modules[name] as WebAssembly.Module,
      imports as never,
    );
    const place = new http.ResponseOutparam();
    const handle = incomingHandler.handle as unknown as (
      request: http.IncomingRequest,
      place: http.ResponseOutparam,
    ) => Promise<void>;
    await handle(new http.IncomingRequest(request, body), place);
    if (place.result?.tag !== "ok") throw new Error("the service has given no answer");
    return place.result.val.toResponse();
  } finally {
    endTurn();
    deadlines.end();
  }
}

/** What the service tells its platform; none of it holds a secret. */
const notices = {
  audit: (line: string) => console.info(`batchintory audit: ${line}`),
  trouble: (line: string) => console.warn(`batchintory: ${line}`),
  wrongToken() {},
};

function settingsOf(access: Access) {
  if ("wrong" in access) throw { payload: access.wrong };
  return access.settings;
}

/** Runs a statement, for as long as one may take. */
async function query(
  { databases, statementTimeout, signal }: Host,
  source: Database.Source,
  statement: string,
  parameters: Database.Value[],
): Promise<Answer> {
  if (signal?.aborted) return { error: { tag: "unavailable", val: "the client has gone" } };
  const late: Answer = {
    error: {
      tag: "outcome-unknown",
      val: `a statement has taken more than ${statementTimeout} ms; the service allows no more (statementTimeout)`,
    },
  };
  const done = new AbortController();
  try {
    return await Promise.race([
      databases.query(source, statement, parameters.map(fromComponent)),
      sleep(statementTimeout, done.signal).then(() => late),
    ]);
  } finally {
    done.abort();
  }
}
