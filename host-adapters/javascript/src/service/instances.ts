// The instances of a service: so many at once, each used again.

import type { Modules } from "../planner/planner.js";
import { type Host, Instance } from "./instance.js";
import type { Body } from "./io.js";

/** How many requests have an instance at once, each some megabytes. */
const maxInstances = 16;

/** How many more wait for one, where requests may wait for each other. */
const maxWaiting = 1_000;

/** Instances, first come, first served. */
export class Instances {
  readonly #idle: Instance[] = [];
  readonly #waiting: (() => void)[] = [];
  readonly #maxWaiting: number;
  #free = maxInstances;

  constructor(mayWait: boolean) {
    this.#maxWaiting = mayWait ? maxWaiting : 0;
  }

  /** Answers a request; `undefined` where there are too many. */
  async answer(modules: Modules, request: Request, body: Body, host: Host): Promise<Response | undefined> {
    if (this.#free > 0) this.#free -= 1;
    else if (this.#waiting.length < this.#maxWaiting) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else return undefined;
    try {
      const instance = this.#idle.pop() ?? (await Instance.of(modules));
      try {
        return await instance.answer(request, body, host);
      } finally {
        if (instance.isReusable) this.#idle.push(instance);
      }
    } finally {
      // Whoever waits takes over the place.
      const next = this.#waiting.shift();
      if (next === undefined) this.#free += 1;
      else next();
    }
  }
}
