// TLS, with the meaning that libpq gives to `sslmode`.

import { readFileSync } from "node:fs";
import type { ConnectionOptions } from "node:tls";
import { messageOf } from "../../errors.js";
import { Fault } from "../../node/database-url.js";
import type { Parameters } from "./parameters.js";
import type { Surroundings } from "./surroundings.js";

/** How connections are encrypted. */
export interface Tls {
  /** `undefined`: not at all. */
  options: ConnectionOptions | undefined;
  /** Whether a server that cannot is fine too. */
  mayLack: boolean;
}

/** Reads what is asked for, and the certificates, which may lie in the user's home. */
export function tlsOf(parameters: Parameters, surroundings: Surroundings): Tls {
  const mode = modeOf(parameters, surroundings);
  if (mode === "disable") return { options: undefined, mayLack: true };
  const verifies = mode.startsWith("verify");
  const roots = rootsOf(parameters, surroundings);
  return {
    options: {
      rejectUnauthorized: verifies,
      ...(verifies && roots !== "" ? { ca: contents("sslrootcert", roots) } : {}),
      // Any name will do.
      ...(mode === "verify-full" ? {} : { checkServerIdentity: () => undefined }),
      ...ownCertificate(parameters, surroundings),
    },
    mayLack: mode === "prefer" || mode === "allow",
  };
}

/** What is verified. As libpq has it, where there are authorities to trust, `require` verifies by them. */
export function modeOf(parameters: Parameters, surroundings: Surroundings): string {
  const mode = parameters.get("sslmode");
  if (parameters.get("sslrootcert") === "system" && mode !== "verify-full") {
    throw new Fault("sslrootcert=system, with authorities that anybody may ask, needs sslmode=verify-full");
  }
  return mode === "require" && rootsOf(parameters, surroundings) !== "" ? "verify-ca" : mode;
}

/** The file of the authorities that are trusted; empty for those that Node trusts. */
function rootsOf(parameters: Parameters, surroundings: Surroundings): string {
  const given = parameters.get("sslrootcert");
  return given === "system" ? "" : given || surroundings.presentInHome(".postgresql/root.crt");
}

function ownCertificate(parameters: Parameters, surroundings: Surroundings): ConnectionOptions {
  const certificate = parameters.get("sslcert") || surroundings.presentInHome(".postgresql/postgresql.crt");
  if (certificate === "") return {};
  const key = parameters.get("sslkey") || surroundings.presentInHome(".postgresql/postgresql.key");
  if (key === "") throw new Fault("sslcert is given and sslkey is not; both belong together");
  return { cert: contents("sslcert", certificate), key: contents("sslkey", key) };
}

function contents(name: string, file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new Fault(`${name} ${messageOf(error)}`);
  }
}
