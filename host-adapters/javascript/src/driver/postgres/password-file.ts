// Passwords in a file, by host, port, database and user.

import { statSync } from "node:fs";
import { messageOf } from "../../errors.js";
import { type Surroundings, textOf } from "./surroundings.js";

/** Whom a password is for. */
export interface Login {
  host: string;
  port: number;
  database: string;
  user: string;
}

/**
 * The password in the given file, or in that of the user's home. A file that cannot be used is passed over, as by
 * libpq: perhaps no password is needed.
 */
export function passwordFor(login: Login, file: string, surroundings: Surroundings): string | undefined {
  const path = file === "" ? surroundings.inHome(".pgpass") : file;
  try {
    const text = textOf(path);
    if (text === undefined) return undefined;
    if (isOpenToOthers(path)) throw new Error("others may read it; let only its owner do so (chmod 600)");
    const wanted = [login.host, String(login.port), login.database, login.user];
    for (const line of text.split(/\r?\n/)) {
      const password = passwordOf(line, wanted);
      if (password !== undefined) return password;
    }
  } catch (error) {
    process.emitWarning(`the password file ${path} is not used: ${messageOf(error)}`);
  }
  return undefined;
}

/** What a line gives, if it is for this login. */
function passwordOf(line: string, wanted: string[]): string | undefined {
  if (line.startsWith("#")) return undefined;
  // A backslash keeps `:` and `\` what they are.
  const fields = [...line.matchAll(/((?:\\.|[^\\:])*)(?::|\\?$)/g)].map((field) => field[1] ?? "");
  const meant = fields.map((field) => field.replace(/\\(.)/g, "$1"));
  const isMeant = wanted.every((text, index) => fields[index] === "*" || meant[index] === text);
  const password = meant[wanted.length];
  return isMeant && password !== "" ? password : undefined;
}

function isOpenToOthers(path: string): boolean {
  const state = statSync(path);
  return process.platform !== "win32" && state.isFile() && (state.mode & 0o077) !== 0;
}
