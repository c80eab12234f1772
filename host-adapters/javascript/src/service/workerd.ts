// The service in Cloudflare's runtime, workerd, which compiles no WebAssembly at run time: its modules
// are imported.

import core from "../../component/planner.core.wasm";
import core2 from "../../component/planner.core2.wasm";
import core3 from "../../component/planner.core3.wasm";
import core4 from "../../component/service/service.core4.wasm";
import core5 from "../../component/service/service.core5.wasm";
import core6 from "../../component/service/service.core6.wasm";
import core7 from "../../component/service/service.core7.wasm";
import inline from "../../component/service/service.inline.wasm";
import { Databases } from "../databases.js";
import type { Modules } from "../planner/planner.js";
import { databaseOptionsBy, type Variables } from "./access.js";
import { checkOptions } from "./options.js";
import { type Service, type ServiceOptions, serviceOn, statementTimeout } from "./service.js";

export type { Service, ServiceOptions } from "./service.js";

const modules: Modules = {
  "planner.core.wasm": core,
  "planner.core2.wasm": core2,
  "planner.core3.wasm": core3,
  "service.core4.wasm": core4,
  "service.core5.wasm": core5,
  "service.core6.wasm": core6,
  "service.core7.wasm": core7,
  "service.inline.wasm": inline,
};

/**
 * The API and the dashboard as a Worker's default export. The function gives the databases of a request; who may do what
 * is said by the Worker's variables and secrets, `BATCHINTORY_API_TOKEN` above all.
 */
export function service<Env>(options: ((env: Env) => ServiceOptions) | ServiceOptions): Service {
  if (typeof options !== "function") checkOptions(options);
  return serviceOn({
    modules: () => modules,
    variables: (env) => (env ?? {}) as Variables,
    audit: (line) => console.info(`batchintory audit: ${line}`),
    // The runtime cancels what waits for another request.
    mayWait: false,
    async databases(env) {
      const given = typeof options === "function" ? checkOptions(options(env as Env)) : options;
      const { inventory, meta = inventory, statementTimeout: limit = statementTimeout } = given;
      const databases = new Databases(inventory, meta, {
        ...databaseOptionsBy((env ?? {}) as Variables),
        ...given,
      });
      // Those that are given once for all requests are not the service's to close.
      const isOurs = typeof options === "function";
      return {
        databases,
        statementTimeout: limit,
        ...(isOurs ? { giveBack: () => databases.close() } : {}),
      };
    },
    async close() {},
  });
}
