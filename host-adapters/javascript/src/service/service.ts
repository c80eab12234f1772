// The HTTP service over the requests of fetch: an instance for each.

import { ClaimQueues } from "../claim-queue.js";
import type { Database } from "../database.js";
import type { DatabaseOptions, Databases } from "../databases.js";
import { errorOf, messageOf } from "../errors.js";
import type { Modules } from "../planner/planner.js";
import { canSuspend } from "../planner/suspending.js";
import { accessBy, type Variables } from "./access.js";
import type { Host } from "./instance.js";
import { Instances } from "./instances.js";
import { Body } from "./io.js";
import { busy, failed, problem } from "./problem.js";
import { Wait } from "./wait.js";

/** How long a statement may take unless said otherwise, in milliseconds: somebody waits for the answer. */
export const statementTimeout = 30_000;

/** Databases of the service. */
export interface ServiceOptions extends DatabaseOptions {
  /** The inventory's database, such as `d1(env.DB)`. */
  inventory: Database;
  /** The meta tables' database; by default the inventory's. */
  meta?: Database;
  /** How long a statement may take, in milliseconds; by default 30,000. */
  statementTimeout?: number;
}

/** What answers requests: a Worker's default export, what `deno serve` and Bun take, or a handler of a server for Node. */
export interface Service {
  /** Answers a request. In a Worker `env` holds its variables; elsewhere they are those of the process. */
  fetch(request: Request, env?: unknown, context?: unknown): Promise<Response>;
  /** Closes the databases that the service has opened by itself. */
  close(): Promise<void>;
}

/** What the platform gives a request. */
export interface Platform {
  /** The core modules, compiled. */
  modules(): Promise<Modules> | Modules;
  /** Variables, as the environment of a program has them. */
  variables(env: unknown): Variables;
  /** The databases of a request, and what is to be done with them when it is over. */
  databases(env: unknown): Promise<Lent>;
  /** Takes a line on who did what. */
  audit(line: string): void;
  /** Whether requests may wait for each other. */
  readonly mayWait: boolean;
  close(): Promise<void>;
}

/** Databases, as long as a request needs them. */
export interface Lent {
  databases: Databases;
  statementTimeout: number;
  giveBack?: () => Promise<void>;
}

/** The service on a platform. */
export function serviceOn(platform: Platform): Service {
  const instances = new Instances(platform.mayWait);
  const claims = new ClaimQueues();

  /** Answers a request, again and again where it waits for a batch. */
  async function served(request: Request, lent: Lent, variables: Variables): Promise<Response> {
    const wait = Wait.preferred(request);
    const modules = await platform.modules();
    const body = new Body(request.body);
    const host: Host = {
      ...lent,
      access: accessBy(variables),
      audit: platform.audit,
      signal: request.signal,
      async claimTurn(scope) {
        if (wait !== undefined) wait.isClaim = true;
        return platform.mayWait ? claims.turn(scope) : () => {};
      },
    };
    try {
      for (;;) {
        const response = await instances.answer(modules, request, body, host);
        if (response === undefined) return busy();
        const given = wait === undefined ? response : await wait.orAnswer(response);
        if (given !== undefined) return given;
      }
    } finally {
      const length = Number(request.headers.get("content-length") ?? Infinity);
      void body.drop(length);
    }
  }

  return {
    async fetch(request, env, context) {
      if (!canSuspend()) return unsupported();
      let lent: Lent;
      try {
        lent = await platform.databases(env);
      } catch (error) {
        console.warn(`batchintory: ${messageOf(error)}`);
        return problem(503, "unavailable", "a database cannot be opened; the service's log says why");
      }
      try {
        return await served(request, lent, platform.variables(env));
      } catch (error) {
        console.error(`batchintory: a request failed: ${messageOf(error)}`);
        return failed();
      } finally {
        afterwards(lent.giveBack, context);
      }
    },
    close: () => platform.close(),
  };
}

/** Lets what is to be done outlive the answer. */
function afterwards(giveBack: Lent["giveBack"], context: unknown): void {
  if (giveBack === undefined) return;
  const done = giveBack().catch(() => {});
  const { waitUntil } = (context ?? {}) as { waitUntil?: (promise: Promise<unknown>) => void };
  if (typeof waitUntil === "function") waitUntil.call(context, done);
}

function unsupported(): Response {
  const { message } = errorOf(
    "unsupported",
    "this engine cannot suspend WebAssembly (JSPI): take Node 26, Deno or Bun, and in Workers a later compatibility_date",
  );
  console.error(`batchintory: ${message}`);
  return problem(501, "unsupported", message);
}
