// What is answered where no instance can: in the form in which the service tells problems.

/** An answer on what went wrong. */
export function problem(status: number, error: string, detail: string, headers: HeadersInit = {}): Response {
  const told = { type: `urn:batchintory:${error}`, title: error.replaceAll("-", " "), status, detail, error };
  return new Response(JSON.stringify(told), {
    status,
    headers: { "content-type": "application/problem+json", "cache-control": "no-store", ...headers },
  });
}

/** An instance broke down. */
export function failed(): Response {
  return problem(500, "internal", "the service failed; its log says why");
}

/** There are as many requests as there may be. */
export function busy(): Response {
  const detail = "the service has too much to do at once; ask again soon, or for less";
  return problem(503, "unavailable", detail, { "retry-after": "1" });
}
