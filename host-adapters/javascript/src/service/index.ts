// The service in Node, Deno and Bun, over databases by URL or drivers.

import { readFile } from "node:fs/promises";
import { Databases } from "../databases.js";
import { errorOf } from "../errors.js";
import { connect } from "../node/connect.js";
import { readModule } from "../node/modules.js";
import type { UrlOptions } from "../options.js";
import { type Modules, modulesBy } from "../planner/planner.js";
import { databaseOptionsBy, variable } from "./access.js";
import { serviceAddresses } from "./addresses.js";
import { checkNames, checkOptions } from "./options.js";
import { type Service, type ServiceOptions, serviceOn, statementTimeout } from "./service.js";

export type { Service, ServiceOptions } from "./service.js";

/** Databases by their URLs; by default those of `BATCHINTORY_INVENTORY_CONN` and `BATCHINTORY_META_CONN`. */
export interface ServiceUrlOptions extends Partial<UrlOptions> {
  /** How long a statement may take, in milliseconds; by default 30,000. */
  statementTimeout?: number;
}

/**
 * The API and the dashboard: `fetch` answers requests. Databases are opened with the first of them, and shared by all. Who
 * may do what is said by the environment, as `batchintory serve` reads it: `BATCHINTORY_API_TOKEN` above all.
 */
export function service(options: ServiceUrlOptions | ServiceOptions = {}): Service {
  const areDrivers = typeof (options.inventory ?? options.meta) === "object";
  if (areDrivers) checkOptions(options as ServiceOptions);
  else checkNames(options);
  const { statementTimeout: limit = statementTimeout } = options;
  let compiled: Promise<Modules> | undefined;
  let opened: Promise<Databases> | undefined;

  async function databases(): Promise<Databases> {
    opened ??= areDrivers ? byDrivers(options as ServiceOptions) : byUrls(options as ServiceUrlOptions);
    try {
      return await opened;
    } catch (error) {
      // It may be there when the next request comes.
      opened = undefined;
      throw error;
    }
  }

  return serviceOn({
    modules() {
      compiled ??= compile();
      return compiled;
    },
    variables: () => process.env,
    // Beside what the program itself prints.
    audit: (line) => console.error(`batchintory audit: ${line}`),
    mayWait: true,
    databases: async () => ({ databases: await databases(), statementTimeout: limit }),
    async close() {
      if (!areDrivers) await (await opened)?.close();
      opened = undefined;
    },
  });
}

async function byDrivers({ inventory, meta = inventory, ...options }: ServiceOptions): Promise<Databases> {
  return new Databases(inventory, meta, { ...databaseOptionsBy(process.env), ...options });
}

async function byUrls({ inventory, meta, ...options }: ServiceUrlOptions): Promise<Databases> {
  const url = inventory ?? variable(process.env, "BATCHINTORY_INVENTORY_CONN");
  if (url === undefined) {
    throw errorOf(
      "connect",
      "BATCHINTORY_INVENTORY_CONN is not set; it names the inventory's database: sqlite:PATH or postgres://…",
    );
  }
  const metaUrl = meta ?? variable(process.env, "BATCHINTORY_META_CONN") ?? url;
  const ours = await connect(url, "create");
  try {
    const theirs = metaUrl === url ? ours : await connect(metaUrl, "read-only");
    return new Databases(ours, theirs, { ...databaseOptionsBy(process.env), ...options });
  } catch (error) {
    await ours.close();
    throw error;
  }
}

/** The planner's modules, and the service's own. */
async function compile(): Promise<Modules> {
  const own = Object.entries(serviceAddresses).map(async ([name, address]) => {
    return [name, await WebAssembly.compile(new Uint8Array(await readFile(address())))] as const;
  });
  return { ...(await modulesBy(readModule)), ...Object.fromEntries(await Promise.all(own)) };
}
