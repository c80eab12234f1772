// Ending a batch, though its database may be away for a while.

import { BatchintoryError, messageOf } from "./errors.js";
import { sleep } from "./sleep.js";

/** How long the end of a batch without a lease is tried, in seconds: as long as the command line's lease. */
export const withoutLease = 300;

/** The first pause, and the longest one, in milliseconds. */
const firstPause = 200;
const longestPause = 10_000;

/** Pauses in milliseconds between tries, for ever: by chance, and longer each time. */
export function* pauses(): Generator<number, never, void> {
  for (let pause = firstPause; ; pause = Math.min(2 * pause, longestPause)) {
    yield pause * (1 + Math.random());
  }
}

/**
 * Tries an end that the database does not take again, with pauses by chance that get longer: the work is done, and the
 * database may only be away. `left` says for how many milliseconds more; then the last error is thrown.
 */
export async function tryAgain(
  complete: () => Promise<void>,
  left: () => number,
  shown: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const growing = pauses();
  for (;;) {
    try {
      return await complete();
    } catch (error) {
      if (!mayPass(error) || left() <= firstPause) throw error;
      const chosen = Math.min(growing.next().value, left() * 0.9);
      const seconds = (chosen / 1000).toFixed(1);
      console.warn(
        `batchintory: ${shown} cannot be ended yet and is tried again in ${seconds} s: ${messageOf(error)}`,
      );
      await sleep(chosen, signal);
      signal?.throwIfAborted();
    }
  }
}

/** Whether the same end may be taken later. */
export function mayPass(error: unknown): boolean {
  return (
    error instanceof BatchintoryError && ["unavailable", "database", "exhausted-retries"].includes(error.code)
  );
}
