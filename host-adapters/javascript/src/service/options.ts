// What `service` takes.

import { errorOf } from "../errors.js";
import type { ServiceOptions } from "./service.js";

const names = [
  "inventory",
  "meta",
  "statementTimeout",
  "inventoryTable",
  "metaSchema",
  "metaName",
  "statusLabels",
];

/** Refuses options that nobody reads, and databases that are none. */
export function checkOptions(options: ServiceOptions): ServiceOptions {
  if (typeof options !== "object" || options === null) {
    throw wrong(`service needs its databases: service((env) => ({ inventory: d1(env.DB) }))`);
  }
  checkNames(options);
  const { inventory, meta = inventory } = options;
  for (const database of [inventory, meta]) {
    if (typeof database?.query !== "function") {
      throw wrong(
        "a database of the service is missing; give a driver, such as d1(env.DB) of batchintory/d1",
      );
    }
  }
  return options;
}

/** Refuses options that nobody reads. */
export function checkNames(options: object): void {
  const unknown = Object.keys(options).find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw wrong(`service has no option "${unknown}"; its options are ${names.join(", ")}`);
  }
  const { statementTimeout: limit } = options as { statementTimeout?: unknown };
  if (limit !== undefined && !(typeof limit === "number" && limit > 0 && limit < 2 ** 31)) {
    throw wrong(`statementTimeout must be a number of milliseconds above 0, not ${String(limit)}`);
  }
}

function wrong(message: string) {
  return errorOf("invalid-request", message);
}
