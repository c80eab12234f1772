// A PostgreSQL URL's options.

import type { PoolConfig } from "pg";

/** The most connections at once, unless said otherwise. */
const poolSize = 16;

/** How long connecting may take, unless said otherwise. */
const connectTimeoutSeconds = 10;

/** Takes the options that `pg` does not know out of the URL. */
export function parse(address: string): PoolConfig {
  const url = new URL(address.replace(/^postgres(ql)?(\+\w+)?:/, "postgresql:"));
  const take = (name: string) => {
    const value = url.searchParams.get(name);
    url.searchParams.delete(name);
    return value;
  };
  const numberAbove0 = (name: string, otherwise: number) => {
    const value = take(name);
    if (value === null) return otherwise;
    if (/^[1-9]\d{0,5}$/.test(value)) return Number(value);
    throw new Error(`${name} must be a whole number above 0, not "${value}"`);
  };
  // sslmode has libpq's meaning, as in batchintory's other adapters.
  if (url.searchParams.has("sslmode") && !url.searchParams.has("uselibpqcompat")) {
    url.searchParams.set("uselibpqcompat", "true");
  }
  return {
    max: numberAbove0("pool_size", poolSize),
    connectionTimeoutMillis: 1000 * numberAbove0("connect_timeout", connectTimeoutSeconds),
    application_name: take("application_name") ?? "batchintory",
    connectionString: url.href,
  };
}
