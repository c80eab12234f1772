// The parameters of a connection, where they come from: the URL, a service, the environment, in this order.

import { userInfo } from "node:os";
import { Fault, refuseOthers, type ServerUrl } from "../../node/database-url.js";
import { check, keywords } from "./keywords.js";
import { serviceOf } from "./service.js";
import type { Surroundings } from "./surroundings.js";

/** Options that are none of libpq's parameters. */
const own = ["pool_size", "ssl", "statement_cache", "statement_timeout"];

/** Parameters by libpq's names. Holds the password: never to be shown. */
export class Parameters {
  readonly #values = new Map<string, string>();

  /** Puts all together. */
  constructor(url: ServerUrl, surroundings: Surroundings) {
    refuseOthers(url.options, [...Object.keys(keywords), ...own]);
    for (const [name, value] of fromUrl(url)) {
      this.#values.delete(name);
      this.#setDefault(name, value);
    }
    const service = this.get("service") || surroundings.variable("PGSERVICE");
    if (service !== "") {
      const file = this.get("servicefile") || surroundings.variable("PGSERVICEFILE");
      for (const [name, value] of serviceOf(service, file, surroundings)) this.#setDefault(name, value);
    }
    for (const [name, { variable }] of Object.entries(keywords)) {
      if (variable) this.#setDefault(name, surroundings.variable(variable));
    }
    this.#setDefault("fallback_application_name", "batchintory");
    this.#setDefault("port", "5432");
    this.#setDefault("sslmode", this.get("sslrootcert") === "system" ? "verify-full" : "prefer");
    this.#setDefault("target_session_attrs", "any");
    if (!this.#values.has("user")) this.#setDefault("user", userInfo().username);
    this.#setDefault("dbname", this.get("user"));
  }

  /** A parameter's value; empty where there is none. */
  get(name: string): string {
    return this.#values.get(name) ?? "";
  }

  /** The parts of a list. */
  list(name: string): string[] {
    return this.#values.has(name) ? this.get(name).split(",") : [];
  }

  /** A whole number. */
  number(name: string): number | undefined {
    const value = this.get(name);
    if (value === "") return undefined;
    if (/^\d{1,9}$/.test(value)) return Number(value);
    throw new Fault(`${name} must be a whole number of at least 0`);
  }

  #setDefault(name: string, value: string): void {
    if (value === "" || this.#values.has(name)) return;
    check(name, value);
    this.#values.set(name, value);
  }
}

/** What the URL itself gives; options count for more than its other parts. */
function fromUrl(url: ServerUrl): [string, string][] {
  const ports = url.hosts.map(({ port }) => port ?? "").join(",");
  const given: [string, string][] = [
    ["host", url.hosts.map(({ name }) => name).join(",")],
    ["port", /\d/.test(ports) ? ports : ""],
    ["user", url.user],
    ["password", url.password],
    ["dbname", url.database],
  ];
  for (const [name, value] of url.options) {
    if (name === "ssl") {
      if (value !== "true") throw new Fault("ssl is supported only as true; use sslmode");
      given.push(["sslmode", "require"]);
    } else if (Object.hasOwn(keywords, name) && value !== "") {
      given.push([name, value]);
    }
  }
  return given;
}
