// The types of the boundary, as jco writes them down.

export type * as Database from "../../component/blocking/interfaces/batchintory-inventory-database.js";
export type * as Inventory from "../../component/blocking/interfaces/batchintory-inventory-inventory.js";

import type * as Exports from "../../component/blocking/interfaces/batchintory-inventory-inventory.js";

/** The operations of the planner. */
export type Operations = {
  [Name in keyof typeof Exports as (typeof Exports)[Name] extends (...a: never[]) => unknown
    ? Name
    : never]: (typeof Exports)[Name];
};

/** An operation's name. */
export type Operation = keyof Operations;
