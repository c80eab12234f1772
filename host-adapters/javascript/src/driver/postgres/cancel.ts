// Ending a statement whose answer nobody waits for any more: without that, the server works on to its end.

import type pg from "pg";
import type { ClientBase, ClientConfig } from "pg";

/** How long asking may take, in milliseconds. */
const patience = 10_000;

/** How long after it is asked again: a statement that had not begun yet goes on. */
const again = 1_000;

/** What is known of a client's connection, which the driver's types do not tell. */
interface Told {
  host: string;
  port: number;
  ssl: ClientConfig["ssl"];
  sslNegotiation?: string;
  processID: number | null;
  secretKey: number | null;
}

/** The driver's connection before it says who it is. */
interface Line {
  stream: { destroy(): void };
  on(event: "connect" | "sslconnect" | "error" | "end", told: () => void): void;
  connect(port: number | string, host?: string): void;
  requestSsl(): void;
  cancel(processID: number, secretKey: number): void;
}

/**
 * From the signal's abort on, asks for the end of what a client's session runs, if that `isAlone` in it, until it has ended,
 * as what is given back is to be told.
 */
export function cancelOnAbort(
  driver: typeof pg,
  client: ClientBase,
  signal: AbortSignal | undefined,
  isAlone: () => boolean = () => true,
): () => void {
  let timer: ReturnType<typeof setInterval> | undefined;
  const giveUp = () => {
    if (!isAlone()) return;
    void cancel(driver, client);
    timer = setInterval(() => void cancel(driver, client), again);
  };
  signal?.addEventListener("abort", giveUp);
  return () => {
    signal?.removeEventListener("abort", giveUp);
    clearInterval(timer);
  };
}

/**
 * Asks the server to end what this client's session runs, by a connection of its own, since that is busy. The request may
 * come late: the session is not to be used again. Never throws, since whoever gives up can do no more.
 */
export async function cancel(driver: typeof pg, client: ClientBase): Promise<void> {
  const { host, port, ssl, sslNegotiation, processID, secretKey } = client as unknown as Told;
  if (processID === null || secretKey === null) return;
  const line = new driver.Connection({ ssl, sslNegotiation } as ClientConfig) as unknown as Line;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => line.stream.destroy(), patience);
    const end = () => {
      clearTimeout(timer);
      resolve();
    };
    const ask = () => line.cancel(processID, secretKey);
    // The server answers by closing it.
    line.on("end", end);
    line.on("error", end);
    line.on("sslconnect", ask);
    line.on("connect", () => {
      if (!ssl) ask();
      else if (sslNegotiation !== "direct") line.requestSsl();
    });
    if (host.startsWith("/")) line.connect(`${host}/.s.PGSQL.${port}`);
    else line.connect(port, host);
  });
}
