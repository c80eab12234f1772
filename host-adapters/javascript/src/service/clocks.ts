// `wasi:clocks`: the time of day, and deadlines.

import { Pollable } from "./io.js";

/** The time of day. */
export const wallClock = {
  now() {
    const milliseconds = Date.now();
    return {
      seconds: BigInt(Math.floor(milliseconds / 1000)),
      nanoseconds: (milliseconds % 1000) * 1_000_000,
    };
  },
};

/** The deadlines of a request, which are over with it. */
export class Deadlines {
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();

  /** What is ready after so many nanoseconds. */
  subscribeDuration(nanoseconds: bigint): Pollable {
    let isOver = false;
    const over = new Promise<void>((resolve) => {
      const timer = setTimeout(
        () => {
          isOver = true;
          resolve();
        },
        Number(nanoseconds / 1_000_000n),
      );
      this.#timers.add(timer);
    });
    return new Pollable(
      () => isOver,
      () => over,
    );
  }

  /** Nobody waits any more. */
  end(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }
}
