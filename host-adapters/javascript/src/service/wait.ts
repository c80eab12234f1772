// `Prefer: wait=20` (RFC 7240): a client that would rather wait for a batch than be told that there is none.

import { waitForWork } from "../follow.js";
import { sleep } from "../sleep.js";

/** The longest wait, in seconds, whatever is preferred: proxies close connections on which nothing comes. */
const longest = 60;

/** How many seconds go by at most before the inventory is asked again. */
const pollSeconds = 2;

/** A request that may wait. */
export class Wait {
  /** Whether it claims: no other is told that there is nothing. */
  isClaim = false;
  readonly #seconds: number;
  readonly #until: number;
  readonly #signal: AbortSignal | undefined;

  private constructor(seconds: number, signal: AbortSignal | undefined) {
    this.#seconds = seconds;
    this.#until = Date.now() + seconds * 1000;
    this.#signal = signal;
  }

  /** What the headers of a request prefer, if they do. A preference that is not understood is none. */
  static preferred({ headers, signal }: Request): Wait | undefined {
    const seconds = preferredSeconds(headers.get("prefer") ?? "");
    return seconds === undefined ? undefined : new Wait(Math.min(seconds, longest), signal);
  }

  /** Waits where the answer is that there is nothing. Gives it back if it is to be given to the client. */
  async orAnswer(response: Response): Promise<Response | undefined> {
    if (!this.isClaim) return response;
    // A batch, and where its items are. Several at once are not waited for.
    if (response.status === 201 && response.headers.has("location")) return this.#applied(response);
    if (response.status !== 200) return response;
    const left = this.#until - Date.now();
    if (left > 0 && !this.#signal?.aborted) {
      const { due_in_seconds: due } = (await response.clone().json()) as { due_in_seconds?: number | null };
      const pause = waitForWork(pollSeconds, due, Math.random()) * 1000;
      await sleep(Math.min(pause, left), this.#signal);
      if (!this.#signal?.aborted) return undefined;
    }
    return this.#applied(response);
  }

  /** The answer, which says that the preference was heard. */
  #applied(response: Response): Response {
    response.headers.set("preference-applied", `wait=${this.#seconds}`);
    return response;
  }
}

/** The first `wait` among preferences. */
function preferredSeconds(preferences: string): number | undefined {
  for (const preference of preferences.split(",")) {
    const [name, value = ""] = preference.split(";", 1)[0]?.split("=", 2) ?? [];
    if (name?.trim().toLowerCase() !== "wait") continue;
    const digits = value.trim().replace(/^"(.*)"$/, "$1");
    return /^\d{1,15}$/.test(digits) ? Number(digits) : undefined;
  }
  return undefined;
}
