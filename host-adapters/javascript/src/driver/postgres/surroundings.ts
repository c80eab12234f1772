// What stands outside of a URL: the environment, and the files that it or the user's home has.

import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** The environment and the user's home. Tests have others. */
export class Surroundings {
  readonly #variables: Record<string, string | undefined>;
  readonly #home: string;

  constructor(variables: Record<string, string | undefined> = process.env, home: string = homedir()) {
    this.#variables = variables;
    this.#home = home;
  }

  /** A variable's value; empty where there is none. */
  variable(name: string): string {
    return this.#variables[name] ?? "";
  }

  /** A file in the user's home. */
  inHome(name: string): string {
    return join(this.#home, name);
  }

  /** A file in the user's home; empty where it is not there. */
  presentInHome(name: string): string {
    const file = this.inHome(name);
    return existsSync(file) ? file : "";
  }
}

/** A file's text without a byte order mark; `undefined` where there is no such file. */
export function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8").replace(/^\ufeff/, "");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}
