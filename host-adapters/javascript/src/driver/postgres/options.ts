// How to connect, put together.

import type { PoolConfig } from "pg";
import { Fault, type ServerUrl } from "../../node/database-url.js";
import { statementTimeout } from "./answer.js";
import { usual } from "./kept.js";
import { Parameters } from "./parameters.js";
import { Surroundings } from "./surroundings.js";
import { isSocket, type Target, targetsOf } from "./targets.js";
import { type Tls, tlsOf } from "./tls.js";

/** The most connections at once, unless said otherwise. */
const poolSize = 16;

/** How long connecting may take, unless said otherwise. */
const connectTimeoutSeconds = 10;

/** How to connect. Holds passwords: never to be shown. */
export interface Options {
  targets: Target[];
  /** All but the server and the password. */
  config: PoolConfig;
  tls: Tls;
  /** The session that is looked for, by libpq's `target_session_attrs`. */
  session: string;
  inRandomOrder: boolean;
  /** How many prepared statements a connection keeps at most. */
  statementCache: number;
}

/** Reads a URL, and what stands outside of it. */
export function read(url: ServerUrl, surroundings = new Surroundings()): Options {
  const parameters = new Parameters(url, surroundings);
  const keepalivesIdle = parameters.number("keepalives_idle");
  const size = url.options.get("pool_size") || String(poolSize);
  if (!/^[1-9]\d{0,5}$/.test(size)) throw new Fault("pool_size must be a number above 0");
  const limit = url.options.get("statement_timeout") || String(statementTimeout);
  if (!/^\d{1,9}$/.test(limit)) {
    throw new Fault("statement_timeout must be a whole number of milliseconds, or 0");
  }
  const statements = url.options.get("statement_cache") || String(usual);
  if (!/^0*\d{1,4}$/.test(statements)) {
    throw new Fault("statement_cache must be a whole number from 0 to 9999");
  }
  return {
    targets: targetsOf(parameters, surroundings),
    config: {
      user: parameters.get("user"),
      database: parameters.get("dbname"),
      application_name: parameters.get("application_name") || parameters.get("fallback_application_name"),
      ...(parameters.get("options") === "" ? {} : { options: parameters.get("options") }),
      max: Number(size),
      // The driver's own clock; with 0 it has none.
      query_timeout: Number(limit),
      connectionTimeoutMillis: 1000 * (parameters.number("connect_timeout") ?? connectTimeoutSeconds),
      keepAlive: parameters.number("keepalives") !== 0,
      ...(keepalivesIdle === undefined ? {} : { keepAliveInitialDelayMillis: 1000 * keepalivesIdle }),
    },
    tls: tlsOf(parameters, surroundings),
    session: parameters.get("target_session_attrs"),
    inRandomOrder: parameters.get("load_balance_hosts") === "random",
    statementCache: Number(statements),
  };
}

/** What connects to a server, with TLS or without. */
export function configOf({ config, tls }: Options, target: Target, withTls: boolean): PoolConfig {
  const { host, address, port, password } = target;
  const servername = address === "" ? {} : { servername: host };
  return {
    ...config,
    host: address || host,
    port,
    // A function: where the driver finds no password, it would look for one elsewhere.
    password: () => password ?? "",
    ssl:
      withTls && tls.options !== undefined && !isSocket(target) ? { ...tls.options, ...servername } : false,
  };
}
