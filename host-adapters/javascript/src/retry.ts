// Repeating statements that met a passing conflict.

import { StatementError } from "./database.js";
import { sleep } from "./sleep.js";

/** How often a statement is sent at most. */
const maxTries = 10;

/** The longest pause between two tries. */
const maxPauseMilliseconds = 500;

/**
 * Repeats a statement while the database reports a serialization failure, a deadlock or a locked file, all of
 * which leave nothing behind. Waits a little longer each time, by chance.
 */
export async function repeat<T>(statement: () => Promise<T>): Promise<T> {
  for (let tries = 1, longest = 2; ; tries += 1, longest = Math.min(longest * 2, maxPauseMilliseconds)) {
    try {
      return await statement();
    } catch (error) {
      const isPassing = error instanceof StatementError && error.outcome === "retryable";
      if (!isPassing || tries === maxTries) throw error;
    }
    await sleep(1 + Math.random() * longest);
  }
}
