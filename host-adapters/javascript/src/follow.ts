// Waiting for work.

/** The shortest wait in seconds, whatever is asked for: whoever comes back at once does nothing but ask. */
const SHORTEST = 0.1;

/** The longest wait in seconds: a timer holds no more. */
const LONGEST = 2_147_483;

/**
 * For how many seconds a worker that was told that there is nothing waits before it asks again. By chance, a number from 0
 * to 1, something between half of the poll time and all of it, so that workers which were started together do not ask
 * together for ever; no longer than until the next range is due. The cases in `tests/follow.json` hold for all languages.
 */
export function waitForWork(
  pollSeconds: number,
  dueInSeconds: number | undefined | null,
  chance: number,
): number {
  const byChance = pollSeconds * (0.5 + 0.5 * chance);
  return Math.min(Math.max(Math.min(byChance, dueInSeconds ?? Infinity), SHORTEST), LONGEST);
}
