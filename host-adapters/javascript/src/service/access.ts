// Who may do what, and which databases are meant, as the variables of `batchintory serve` say.

import type { DatabaseOptions } from "../databases.js";

/** Who may do what, in the words of whoever runs the service, which reads them itself; or what is wrong. */
export type Access = { settings: ServiceSettings } | { wrong: string };

/** The record `service-settings` of `wit/http.wit`. */
export interface ServiceSettings {
  apiToken?: string;
  apiTokens?: string;
  publicReads?: string;
  allowedTables?: string;
  publicUrl?: string;
  loopback: boolean;
}

/** Variables: the environment of a program, or the bindings of a Worker. */
export type Variables = Record<string, unknown>;

/** A variable that is text; an empty one is none. */
export function variable(variables: Variables, name: string): string | undefined {
  const value = variables[name];
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** Who may do what. */
export function accessBy(variables: Variables): Access {
  const names = {
    apiToken: "BATCHINTORY_API_TOKEN",
    apiTokens: "BATCHINTORY_API_TOKENS",
    publicReads: "BATCHINTORY_PUBLIC_READS",
    allowedTables: "BATCHINTORY_ALLOW_TABLES",
    publicUrl: "BATCHINTORY_PUBLIC_URL",
  };
  const settings: ServiceSettings = { loopback: false };
  for (const [setting, name] of Object.entries(names)) {
    const value = variables[name];
    // A token that nobody reads would let nobody in, and an allowlist that nobody reads everybody.
    if (value !== undefined && value !== null && typeof value !== "string") {
      return { wrong: `${name} must be text, a variable or a secret; it is ${kind(value)}` };
    }
    if (value) settings[setting as keyof typeof names] = value;
  }
  return { settings };
}

function kind(value: unknown): string {
  return typeof value === "object" ? "a binding of another kind" : `a ${typeof value}`;
}

/** Which inventory is meant, where the program does not say it. */
export function databaseOptionsBy(variables: Variables): DatabaseOptions {
  const table = variable(variables, "BATCHINTORY_INVENTORY_TABLE_NAME");
  const schema = variable(variables, "BATCHINTORY_INVENTORY_CONN_SCHEMA");
  const metaSchema = variable(variables, "BATCHINTORY_META_CONN_SCHEMA");
  const metaName = variable(variables, "BATCHINTORY_META_NAME");
  const inventoryTable =
    schema === undefined ? table : `"${schema.replaceAll('"', '""')}".${table ?? "inventory"}`;
  return {
    ...(inventoryTable === undefined ? {} : { inventoryTable }),
    ...(metaSchema === undefined ? {} : { metaSchema }),
    ...(metaName === undefined ? {} : { metaName }),
  };
}
