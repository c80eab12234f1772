// A database's URL: read strictly, and what of it may be told.
//
// A password may hold what ends a part of a URL, and drivers disagree on what that means. So a URL is read here and
// nowhere else, as libpq reads it: what could be meant in two ways is refused. The cases of `tests/urls` hold for all
// of batchintory's hosts.

/** What a database is opened for. For a server's the server decides who may do what. */
export type Access = "read-only" | "create";

/** Where a server listens: a name, an address or the folder of a socket, and perhaps a port. */
export interface Host {
  name: string;
  port: number | undefined;
}

/** An SQLite database. */
export interface SqliteUrl {
  system: "sqlite";
  /** The path, to the letter: nothing of it is decoded. */
  path: string;
  /** What stands behind the `?`. */
  options: Map<string, string>;
}

/** A database on a server. All parts are decoded; it has a password, and is not shown. */
export interface ServerUrl {
  system: "postgresql" | "mysql";
  user: string;
  password: string;
  hosts: Host[];
  database: string;
  /** What stands behind the `?`; an empty value is none. */
  options: Map<string, string>;
}

/** What is wrong with a URL, in words that hold nothing of it but the names of known options. */
export class Fault extends Error {}

const words = (text: string) => text.trim().split(/\s+/);

/** Names that options may have: what is none of them may be a piece of a password with an `&` in it. */
export const known: ReadonlySet<string> = new Set([
  // Of libpq.
  ...words(`
    application_name channel_binding client_encoding connect_timeout dbname fallback_application_name
    gssdelegation gssencmode gsslib host hostaddr keepalives keepalives_count keepalives_idle keepalives_interval
    krbsrvname load_balance_hosts max_protocol_version min_protocol_version options passfile password port
    replication require_auth requirepeer service servicefile sslcert sslcertmode sslcompression sslcrl sslcrldir
    sslkey sslmode sslnegotiation sslpassword sslrootcert sslsni ssl_max_protocol_version
    ssl_min_protocol_version target_session_attrs tcp_user_timeout user`),
  // Of batchintory.
  ...words("pool_size socket statement_cache statement_timeout"),
  // Of SQLite, and of Python's module for it.
  ...words("cache check_same_thread immutable mode nolock psow timeout uri vfs"),
  // Of other drivers and tools, whose URLs are copied.
  ...words(`
    auth_plugin autocommit charset collation connection_limit currentSchema database db encoding init_command
    keepalives_retries local_infile passwd pgbouncer pool_timeout program_name query_timeout read_timeout schema
    search_path serverTimezone sql_mode ssl ssl_ca ssl_cert ssl_disabled ssl_key ssl_verify_cert
    ssl_verify_identity unix_socket uselibpqcompat use_unicode write_timeout`),
]);

/** Names of options whose values are secrets. */
const secret: ReadonlySet<string> = new Set(["passwd", "password", "sslpassword"]);

const systems: Record<string, "sqlite" | "postgresql" | "mysql"> = {
  sqlite: "sqlite",
  postgres: "postgresql",
  postgresql: "postgresql",
  mysql: "mysql",
  mariadb: "mysql",
};

/** Reads a URL, or throws a `Fault`. */
export function parse(text: string): SqliteUrl | ServerUrl {
  const { system, rest } = schemeOf(text);
  if (system === "sqlite") {
    const [path, options] = cut(rest.replace(/^\/\//, ""), "?");
    return { system, path, options: decodedOptions(optionsOf(options)) };
  }
  if (system === undefined) {
    throw new Fault("its scheme is not known; known are sqlite and postgres");
  }
  const parts = split(rest);
  return {
    system,
    user: decoded(parts.user),
    password: decoded(parts.password),
    hosts: parts.hosts.map(({ name, port }) => ({ name: hostName(name), port })),
    database: decoded(parts.database),
    options: decodedOptions(parts.options),
  };
}

/** Refuses the first option that is none of these, by its name where it may be told. */
export function refuseOthers(options: ReadonlyMap<string, string>, supported: readonly string[]): void {
  const names = [...options.keys()];
  const position = names.findIndex((name) => !supported.includes(name));
  const name = names[position];
  if (name === undefined) return;
  const shown = known.has(name)
    ? `the option ${name} is not supported here`
    : `option ${position + 1} is not known`;
  throw new Fault(`${shown}; supported are ${supported.join(", ")}`);
}

/**
 * What of a URL may be told: scheme, hosts and database, where the whole can be read in one way; else the scheme
 * alone. The words of drivers and servers name hosts, users and databases; where these may hold a piece of a
 * password, the words are not told either.
 */
export class Told {
  /** The URL without anything that might be a secret. */
  readonly shown: string;
  readonly #isCertain: boolean;

  constructor(url: string) {
    const shown = certain(url);
    this.#isCertain = shown !== undefined;
    this.shown = shown ?? schemeAlone(url);
  }

  /** Words of a driver or a server about the URL's database, if they cannot hold a secret. */
  reason(words: string): string {
    if (this.#isCertain) return words;
    return (
      "the reason is not told, since it may hold a piece of the password: in names, passwords and values of " +
      "options, write @ / : ? # & = and blanks as %40 %2F %3A %3F %23 %26 %3D and %20"
    );
  }
}

/** The parts of a server's URL, as they are written. */
interface Parts {
  user: string;
  password: string;
  hosts: Host[];
  database: string;
  options: [string, string][];
  /** Hosts and database together. */
  place: string;
  /** Whether there is an `@` behind the hosts, which may be the one that ends a password. */
  hasLateAt: boolean;
}

function split(rest: string): Parts {
  if (!rest.startsWith("//")) {
    throw new Fault("// must follow the scheme, as in postgres://user:password@host/database");
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  if (/[#\0-\x1f\x7f-\x9f]/.test(rest)) {
    throw new Fault(
      "it has a # or a control character such as a line break, which must be written %23 or %0A",
    );
  }
  const [before, options] = cut(rest.slice(2), "?");
  const [authority, database] = cut(before, "/");
  const [credentials, hosts] = authority.includes("@") ? cut(authority, "@") : ["", authority];
  if (hosts.includes("@")) throw new Fault("an @ in the user's name or the password must be written %40");
  const [user, password] = cut(credentials, ":");
  return {
    user,
    password,
    hosts: hosts === "" ? [] : hosts.split(",").map(hostOf),
    database,
    options: optionsOf(options),
    place: hosts + before.slice(authority.length),
    hasLateAt: database.includes("@") || options.includes("@"),
  };
}

function schemeOf(text: string): {
  name: string;
  system: (typeof systems)[string] | undefined;
  rest: string;
} {
  const colon = text.indexOf(":");
  if (colon < 0) throw new Fault("a URL such as sqlite:lake.sqlite or postgres://… is wanted");
  const name = text.slice(0, colon);
  const scheme = /^([a-z]+)(?:\+[A-Za-z0-9_]+)?$/.exec(name)?.[1];
  const system =
    scheme === undefined ? undefined : Object.hasOwn(systems, scheme) ? systems[scheme] : undefined;
  return { name, system, rest: text.slice(colon + 1) };
}

function hostOf(text: string): Host {
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(text);
  const [name, port] = bracketed === null ? cut(text, ":") : [bracketed[1] ?? "", bracketed[2] ?? ""];
  if (/[[\]]/.test(name)) {
    throw new Fault(
      "[ and ] enclose an IPv6 address, as in [::1]:5432; elsewhere they are written %5B and %5D",
    );
  }
  const number = /^\d+$/.test(port) ? Number(port) : 0;
  if (port !== "" && !(number > 0 && number < 65_536)) {
    throw new Fault(
      "a port must be a number from 1 to 65535; in the user's name and the password, : / ? and @ are written " +
        "%3A, %2F, %3F and %40",
    );
  }
  return { name, port: port === "" ? undefined : number };
}

function hostName(text: string): string {
  const name = decoded(text);
  if (isHost(name)) return name;
  throw new Fault(
    "a host must be a name of letters, digits, - . and _, an address, or the folder of a socket, written with %2F " +
      "for /",
  );
}

/** Whether this can be a host: a name, an address, or the folder of a socket. Empty is the default one. */
export function isHost(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  return /^(\/[^\0-\x1f\x7f-\x9f]*|[A-Za-z0-9_.-]*|[0-9A-Fa-f.:]*)$/.test(text);
}

function optionsOf(text: string): [string, string][] {
  return text
    .split("&")
    .filter((option) => option !== "")
    .map((option) => {
      if (option.includes("=")) return cut(option, "=");
      throw new Fault("an option is not of the form name=value; in a value, & is written %26");
    });
}

function decodedOptions(raw: [string, string][]): Map<string, string> {
  const options = new Map<string, string>();
  for (const [encoded, value] of raw) {
    const name = decoded(encoded);
    if (options.has(name) && known.has(name)) throw new Fault(`the option ${name} is given twice`);
    options.set(name, decoded(value));
  }
  return options;
}

/** The text that is meant. A `+` is a `+`, as libpq has it. */
function decoded(text: string): string {
  if (/%(?![0-9A-Fa-f]{2})|%00/.test(text)) {
    throw new Fault("it has a % that begins no code such as %20; a % itself is written %25");
  }
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Fault("what its codes such as %20 stand for is no UTF-8 text");
  }
}

/** What stands before and behind the first mark; all before it where there is none. */
function cut(text: string, mark: string): [string, string] {
  const index = text.indexOf(mark);
  return index < 0 ? [text, ""] : [text.slice(0, index), text.slice(index + mark.length)];
}

function schemeAlone(url: string): string {
  if (!url.includes(":")) return "…";
  const { name, system, rest } = schemeOf(url);
  const isServer = system === undefined ? /^[a-z][a-z+]*$/.test(name) : system !== "sqlite";
  if (isServer && rest.startsWith("//")) return `${name}://…`;
  return system === undefined ? "…" : `${name}:…`;
}

/** What is shown of a URL that can be read in one way only. */
function certain(url: string): string | undefined {
  try {
    const parsed = parse(url);
    const { name, rest } = schemeOf(url);
    if (parsed.system === "sqlite") {
      const [path, options] = cut(rest, "?");
      // It may be a server's address with a password.
      const isAddress = cut(path, ":")[1].includes("@");
      return !isAddress && areCertain(optionsOf(options)) ? `${name}:${path}` : undefined;
    }
    const parts = split(rest);
    const given = (option: string) => parsed.options.get(option) ?? "";
    const hosts = [
      ...parsed.hosts.map((host) => host.name),
      ...`${given("host")},${given("hostaddr")}`.split(","),
    ];
    // Users of Azure are called `user@server`.
    const users = `${parsed.user}@${given("user")}`.split("@");
    const isCertain =
      !parts.hasLateAt &&
      areCertain(parts.options) &&
      [...users, parsed.database, given("dbname")].every(isName) &&
      hosts.every((host) => isHost(host) && host.split(/[/:]/).every(isName));
    return isCertain ? `${name}://${parts.place}` : undefined;
  } catch (fault) {
    if (fault instanceof Fault) return undefined;
    throw fault;
  }
}

// Letters that end no part of a URL or of another form of connection strings; with them values of options are
// written, and settings of a server among these.
const letter = "A-Za-z0-9_.~+$\\u00a0-\\u{10ffff}\\-";
const name = new RegExp(`^[ ${letter}]*$`, "u");
const written = new RegExp(`^[%*,:/()${letter}]*$`, "u");
const meant = new RegExp(`^[ *,:/()${letter}]*$`, "u");
const setting = new RegExp(`^[ *,:/()='"\\\\${letter}]*$`, "u");

const isName = (text: string) => name.test(text);

/** Whether nothing in options that are no secrets could be a piece of one, as it is written or meant. */
function areCertain(options: [string, string][]): boolean {
  return options.every(([name, value]) => {
    if (!known.has(name)) return false;
    return (
      secret.has(name) || (written.test(value) && (name === "options" ? setting : meant).test(decoded(value)))
    );
  });
}
