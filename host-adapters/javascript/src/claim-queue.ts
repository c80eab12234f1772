// Workers of one process queue up for the claims in a scope, instead of racing each other for them.
//
// Of several claims that saw the same watermark only one succeeds, so those of one process would only take the
// database's time from each other. Between processes the chain decides.

/** A queue for each scope in which is being claimed, first come, first served. */
export class ClaimQueues {
  /** The turn of the last in each queue, over when its promise is fulfilled. */
  readonly #last = new Map<string, Promise<void>>();

  /** Waits for the turn among the claims in the scope; to be ended by what it gives. */
  async turn(scope: string): Promise<() => void> {
    const before = this.#last.get(scope);
    let end = () => {};
    const turn = new Promise<void>((resolve) => {
      end = resolve;
    });
    this.#last.set(scope, turn);
    await before;
    return () => {
      if (this.#last.get(scope) === turn) this.#last.delete(scope);
      end();
    };
  }
}
