// A server of HTTP for a handler of fetch, by what the runtime has.

/** Listens at a free port of this machine; gives the address. */
export async function listen(fetch) {
  const hostname = "127.0.0.1";
  const { Bun, Deno } = globalThis;
  if (Deno !== undefined) {
    const { addr } = Deno.serve({ hostname, port: 0, onListen() {} }, (request) => fetch(request));
    return `http://${hostname}:${addr.port}`;
  }
  if (Bun !== undefined) {
    const { port } = Bun.serve({ hostname, port: 0, fetch: (request) => fetch(request) });
    return `http://${hostname}:${port}`;
  }
  const { serve } = await import("srvx");
  const server = serve({ fetch, hostname, port: 0, silent: true });
  await server.ready();
  return server.url.replace(/\/$/, "");
}
