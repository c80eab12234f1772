// An instance of the planner component, which serves one call at a time and many calls in all.

import type { Source, Value } from "../database.js";
import type { Answer } from "../databases.js";
import { type BatchintoryError, errorOf, type Facts, messageOf } from "../errors.js";
import { moduleNames } from "./addresses.js";
import type { Database, Inventory, Operation } from "./wit.js";

/** What a call asks of its host. */
export interface Host {
  query(source: Source, statement: string, parameters: Value[]): Promise<Answer>;
  pause(milliseconds: number): Promise<void>;
  claimTurn(scope: string): Promise<void>;
}

/** An instance, wherever it runs. */
export interface Planner {
  /** Makes a call. */
  call(operation: Operation, parameters: unknown[], host: Host): Promise<unknown>;
  /** Whether it has broken down and is not to be used again. */
  readonly isBroken: boolean;
  close(): void;
}

/** Makes instances that share what is compiled. */
export type MakePlanner = (settings: Database.DatabaseSettings) => Promise<Planner>;

/** The component's core modules, compiled, by name. */
export type Modules = Record<string, WebAssembly.Module>;

/** Gives the compiled module of a name. */
export type FindModule = (name: string) => WebAssembly.Module | Promise<WebAssembly.Module>;

/** All of them, from where they are found. */
export async function modulesBy(find: FindModule): Promise<Modules> {
  const found = moduleNames.map(async (name) => [name, await find(name)] as const);
  return Object.fromEntries(await Promise.all(found));
}

/** The error that an operation answered with; `undefined` when it broke down instead. */
export function operationError(thrown: unknown): BatchintoryError | undefined {
  if (!(thrown instanceof Error) || !("payload" in thrown)) return undefined;
  return plannerError(thrown.payload as Inventory.Error);
}

/** An error as the planner tells it. */
export function plannerError({ kind, message, limit, ...told }: Inventory.Error): BatchintoryError {
  const known = Object.entries(told).filter(([, fact]) => fact !== undefined);
  const facts: Facts = Object.fromEntries(known);
  if (limit !== undefined) facts.limit = limit <= Number.MAX_SAFE_INTEGER ? Number(limit) : limit;
  return errorOf(kind, message, facts);
}

/** The error of a call that broke down. */
export function trap(thrown: unknown): BatchintoryError {
  return errorOf("trap", `the planner component broke down, which is a bug: ${messageOf(thrown)}`);
}

/** An instance in this thread, whose calls `make` makes. */
export function plannerHere(
  make: (operation: Operation, parameters: unknown[], host: Host) => unknown,
): Planner {
  let isBroken = false;
  return {
    async call(operation, parameters, host) {
      try {
        return await make(operation, parameters, host);
      } catch (error) {
        const refused = operationError(error);
        if (refused !== undefined) throw refused;
        isBroken = true;
        throw trap(error);
      }
    },
    get isBroken() {
      return isBroken;
    },
    close() {},
  };
}

/** `wasi:random`, by what every engine has. */
export const random = {
  getRandomU64: () => crypto.getRandomValues(new BigUint64Array(1))[0] as bigint,
};
