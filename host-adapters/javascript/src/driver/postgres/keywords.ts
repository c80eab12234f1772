// The parameters of a connection that are supported, by libpq's names.

import { Fault } from "../../node/database-url.js";

/** A parameter: the variable of the environment that gives it, and which values it may have. */
interface Keyword {
  variable?: string;
  /** One of these. */
  oneOf?: readonly string[];
  /** Only these, which change nothing. */
  only?: readonly string[];
}

const used = (variable?: string): Keyword => (variable === undefined ? {} : { variable });
const oneOf = (variable: string, ...values: string[]): Keyword => ({ variable, oneOf: values });
const only = (variable: string, ...values: string[]): Keyword => ({ variable, only: values });

/** All that libpq has: what is not supported must not be passed over where it is asked for. */
export const keywords: Readonly<Record<string, Keyword>> = {
  application_name: used("PGAPPNAME"),
  channel_binding: only("PGCHANNELBINDING", "disable", "prefer"),
  client_encoding: only("PGCLIENTENCODING", "auto", "utf8", "UTF8", "utf-8", "UTF-8", "unicode"),
  connect_timeout: used("PGCONNECT_TIMEOUT"),
  dbname: used("PGDATABASE"),
  fallback_application_name: used(),
  gssdelegation: only("PGGSSDELEGATION", "0"),
  gssencmode: only("PGGSSENCMODE", "disable", "prefer"),
  gsslib: only("PGGSSLIB"),
  host: used("PGHOST"),
  hostaddr: used("PGHOSTADDR"),
  keepalives: used(),
  keepalives_count: only(""),
  keepalives_idle: used(),
  keepalives_interval: only(""),
  krbsrvname: only("PGKRBSRVNAME", "postgres"),
  load_balance_hosts: oneOf("PGLOADBALANCEHOSTS", "disable", "random"),
  max_protocol_version: only("PGMAXPROTOCOLVERSION", "3.0", "latest"),
  min_protocol_version: only("PGMINPROTOCOLVERSION", "3.0"),
  options: used("PGOPTIONS"),
  passfile: used("PGPASSFILE"),
  password: used("PGPASSWORD"),
  port: used("PGPORT"),
  replication: only("", "0", "false", "no", "off"),
  require_auth: only("PGREQUIREAUTH"),
  requirepeer: only("PGREQUIREPEER"),
  service: used("PGSERVICE"),
  servicefile: used("PGSERVICEFILE"),
  sslcert: used("PGSSLCERT"),
  sslcertmode: only("PGSSLCERTMODE", "allow"),
  sslcompression: only("PGSSLCOMPRESSION", "0"),
  sslcrl: only("PGSSLCRL"),
  sslcrldir: only("PGSSLCRLDIR"),
  sslkey: used("PGSSLKEY"),
  sslmode: oneOf("PGSSLMODE", "disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
  sslnegotiation: only("PGSSLNEGOTIATION", "postgres"),
  sslpassword: only(""),
  sslrootcert: used("PGSSLROOTCERT"),
  sslsni: only("PGSSLSNI", "1"),
  ssl_max_protocol_version: only("PGSSLMAXPROTOCOLVERSION", "TLSv1.3"),
  ssl_min_protocol_version: only("PGSSLMINPROTOCOLVERSION", "TLSv1", "TLSv1.1", "TLSv1.2"),
  target_session_attrs: oneOf(
    "PGTARGETSESSIONATTRS",
    ...["any", "read-write", "read-only", "primary", "standby", "prefer-standby"],
  ),
  tcp_user_timeout: only(""),
  user: used("PGUSER"),
};

/** Refuses a value that cannot be, without telling it. */
export function check(name: string, value: string): void {
  const { oneOf, only } = keywords[name] ?? {};
  if (oneOf !== undefined && !oneOf.includes(value)) {
    throw new Fault(`${name} must be one of ${oneOf.join(", ")}`);
  }
  if (only === undefined || only.includes(value)) return;
  if (only.length === 0) throw new Fault(`${name} is not supported here`);
  throw new Fault(`${name} is supported here only as ${only.join(" or ")}`);
}
