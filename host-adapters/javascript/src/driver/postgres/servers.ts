// Connections to the first server that will do, with a pool for each.

import type pg from "pg";
import type { Pool, PoolClient } from "pg";
import { messageOf } from "../../errors.js";
import { configOf, type Options } from "./options.js";
import { isSocket, shown, type Target } from "./targets.js";

/** A way to a server. */
interface Way {
  target: Target;
  pool: Pool;
  /** Whether it is the way without TLS, to be taken where the server has none. */
  isPlain: boolean;
}

/** A question to the server, the answer that is wanted, and what is wrong with the other one. */
const questions: Record<string, readonly [string, string | boolean, string] | undefined> = {
  "read-write": ["SHOW transaction_read_only", "off", "its sessions are read-only"],
  "read-only": ["SHOW transaction_read_only", "on", "its sessions are not read-only"],
  primary: ["SELECT pg_catalog.pg_is_in_recovery()", false, "it is a standby"],
  standby: ["SELECT pg_catalog.pg_is_in_recovery()", true, "it is no standby"],
};

/** The servers of a URL. */
export class Servers {
  readonly #options: Options;
  readonly #pg: typeof pg;
  readonly #ways: Way[];
  /** Connections whose session is one that is looked for. */
  readonly #wanted = new WeakSet<PoolClient>();

  constructor(driver: typeof pg, options: Options) {
    this.#options = options;
    this.#pg = driver;
    this.#ways = options.targets.flatMap((target) => {
      const hasTls = options.tls.options !== undefined && !isSocket(target);
      const kinds = hasTls ? (options.tls.mayLack ? [true, false] : [true]) : [false];
      return kinds.map((withTls) => this.#way(target, withTls, kinds.length));
    });
  }

  /** A connection, which must be released. */
  async connection(): Promise<PoolClient> {
    // What ended while it lay idle is known once the event loop has looked at it, and is not used. What the loop
    // finds in its first turn may have been gathered before.
    if (this.#ways.some(({ pool }) => pool.idleCount > 0)) {
      for (let turn = 0; turn < 2; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    }
    const { session } = this.#options;
    if (session !== "prefer-standby") return this.#first(session);
    try {
      return await this.#first("standby");
    } catch {
      return this.#first("any");
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#ways.map(({ pool }) => pool.end()));
  }

  #way(target: Target, withTls: boolean, kinds: number): Way {
    const pool = new this.#pg.Pool(configOf(this.#options, target, withTls));
    // An idle connection that ends is replaced by the pool when one is needed.
    pool.on("error", () => {});
    return { target, pool, isPlain: !withTls && kinds > 1 };
  }

  async #first(session: string): Promise<PoolClient> {
    const reasons: string[] = [];
    const isOne = this.#options.targets.length === 1;
    let mayHaveNoTls = false;
    for (const way of this.#inOrder()) {
      const isBusy = way.pool.totalCount > 0;
      if (way.isPlain && !mayHaveNoTls && !isBusy) continue;
      try {
        return await this.#connect(way, session);
      } catch (error) {
        if (this.#isWordForAll(error)) throw error;
        mayHaveNoTls = isLackOfTls(error);
        reasons.push(isOne ? messageOf(error) : `${shown(way.target)}: ${messageOf(error)}`);
      }
    }
    throw new Error(isOne ? reasons.at(-1) : reasons.join("; "));
  }

  /** First those to which connections lie idle. */
  #inOrder(): Way[] {
    const ways = [...this.#ways];
    if (this.#options.inRandomOrder) {
      const order = new Map(this.#options.targets.map((target) => [target, Math.random()]));
      ways.sort((one, other) => (order.get(one.target) ?? 0) - (order.get(other.target) ?? 0));
    }
    const hasIdle = ({ pool }: Way) => pool.idleCount > 0;
    return [...ways.filter(hasIdle), ...ways.filter((way) => !hasIdle(way))];
  }

  async #connect({ pool }: Way, session: string): Promise<PoolClient> {
    const client = await pool.connect();
    const question = questions[session];
    if (question === undefined || this.#wanted.has(client)) return client;
    const [statement, answer, otherwise] = question;
    try {
      const { rows } = await client.query({ text: statement, rowMode: "array" });
      if (rows[0]?.[0] !== answer) throw new Error(otherwise);
      this.#wanted.add(client);
      return client;
    } catch (error) {
      client.release(true);
      throw error;
    }
  }

  /**
   * What the server says counts for all of them, unless it only starts or has no room; so libpq has it, that a wrong
   * password is not tried everywhere.
   */
  #isWordForAll(error: unknown): boolean {
    if (!(error instanceof this.#pg.DatabaseError)) return false;
    // Without an entry for encrypted connections in pg_hba.conf it may have one for others.
    return !["57P03", "53300", ...(this.#options.tls.mayLack ? ["28000"] : [])].includes(error.code ?? "");
  }
}

/** Whether a connection failed since there is no TLS that both speak, or the server wants none. */
function isLackOfTls(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return code === "28000" || /^(ERR_SSL|ERR_TLS|EPROTO)/.test(code) || /SSL/.test(messageOf(error));
}
