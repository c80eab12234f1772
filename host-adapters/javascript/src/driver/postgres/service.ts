// Connection services: parameters by a name, in a file.

import { join } from "node:path";
import { messageOf } from "../../errors.js";
import { Fault } from "../../node/database-url.js";
import { keywords } from "./keywords.js";
import { type Surroundings, textOf } from "./surroundings.js";

/** The parameters of a service: in the given file, else in that of the user's home, else in the system's. */
export function serviceOf(
  service: string,
  file: string,
  surroundings: Surroundings,
): ReadonlyMap<string, string> {
  const folder = surroundings.variable("PGSYSCONFDIR");
  const own = file === "" ? surroundings.inHome(".pg_service.conf") : file;
  const files = folder === "" ? [own] : [own, join(folder, "pg_service.conf")];
  for (const path of files) {
    try {
      const found = section(textOf(path) ?? "", service);
      if (found !== undefined) return found;
    } catch (error) {
      throw new Fault(`the service file ${path}: ${messageOf(error)}`);
    }
  }
  throw new Fault(
    "the service is in none of the service files: PGSERVICEFILE, ~/.pg_service.conf, and pg_service.conf in " +
      "PGSYSCONFDIR",
  );
}

/** The parameters below `[service]`. No line is told: there may be a password in it. */
function section(text: string, service: string): Map<string, string> | undefined {
  let found: Map<string, string> | undefined;
  for (const [index, untrimmed] of text.split("\n").entries()) {
    const line = untrimmed.trim();
    if (line === "" || line.startsWith("#")) continue;
    if (line.startsWith("[") && line.endsWith("]")) {
      if (found !== undefined) break;
      if (line === `[${service}]`) found = new Map();
      continue;
    }
    if (found === undefined) continue;
    const [, name, value] = /^([^=]*?)\s*=\s*(.*)$/.exec(line) ?? [];
    const fault = (reason: string) => new Fault(`line ${index + 1} of the service ${reason}`);
    if (name === undefined || value === undefined) throw fault("is not of the form name=value");
    if (!Object.hasOwn(keywords, name)) throw fault("has a parameter that is not known");
    if (name === "service") throw fault("names another service, which is not supported");
    // As in libpq, the first one counts.
    if (!found.has(name)) found.set(name, value);
  }
  return found;
}
