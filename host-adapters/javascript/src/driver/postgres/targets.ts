// The servers of a URL, in the order in which they are tried.

import { existsSync } from "node:fs";
import { isIP } from "node:net";
import { Fault, isHost } from "../../node/database-url.js";
import type { Parameters } from "./parameters.js";
import { passwordFor } from "./password-file.js";
import type { Surroundings } from "./surroundings.js";

/** Where sockets usually lie, of Debian's servers and of those that were built. */
const socketFolders = ["/var/run/postgresql", "/tmp"];

/** A server that may be the one. */
export interface Target {
  /** A name, an address, or the folder of a socket. */
  host: string;
  /** Its address, where the name is not to be looked up; else empty. */
  address: string;
  port: number;
  password: string | undefined;
}

/** All of them. */
export function targetsOf(parameters: Parameters, surroundings: Surroundings): Target[] {
  const [hosts, addresses, ports] = ["host", "hostaddr", "port"].map((name) => parameters.list(name)) as [
    string[],
    string[],
    string[],
  ];
  if (hosts.length > 0 && addresses.length > 0 && hosts.length !== addresses.length) {
    throw new Fault("host and hostaddr must name equally many servers");
  }
  const count = Math.max(hosts.length, addresses.length, 1);
  if (ports.length > 1 && ports.length !== count) {
    throw new Fault("port must be one, or as many as there are hosts");
  }
  return Array.from({ length: count }, (_, index) => {
    const port = portOf(ports[ports.length === 1 ? 0 : index] ?? "");
    const address = addresses[index] ?? "";
    const given = hosts[index] ?? "";
    if (!isHost(given)) throw new Fault("host must name servers, or the folders of their sockets");
    if (address !== "" && isIP(address) === 0) {
      throw new Fault("hostaddr must be an IPv4 or IPv6 address; names belong to host");
    }
    const host = given || address || defaultHost(port);
    const login = {
      host: socketFolders.includes(host) ? "localhost" : host,
      port,
      database: parameters.get("dbname"),
      user: parameters.get("user"),
    };
    const password =
      parameters.get("password") || passwordFor(login, parameters.get("passfile"), surroundings);
    return { host, address, port, password };
  });
}

/** Whether it is reached by a socket of this machine. */
export function isSocket({ host, address }: Target): boolean {
  return address === "" && host.startsWith("/");
}

/** For messages about one of several. */
export function shown(target: Target): string {
  const { host, port } = target;
  return isSocket(target) ? `${host}/.s.PGSQL.${port}` : `${host}:${port}`;
}

function portOf(text: string): number {
  if (text === "") return 5432;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port > 0 && port < 65_536) return port;
  throw new Fault("port must be a number from 1 to 65535");
}

/** A socket where there is one, else this machine's address. */
function defaultHost(port: number): string {
  return socketFolders.find((folder) => existsSync(`${folder}/.s.PGSQL.${port}`)) ?? "localhost";
}
