// Workers of one process queue up for the claims of a job, instead of racing each other for them.
//
// Of several claims that saw the same watermark only one succeeds, so those of one process would only take the
// database's time from each other. Between processes the chain decides.

/** A queue for each job that is being claimed from, first come, first served. */
export class ClaimQueues {
  /** The turn of the last in each queue, over when its promise is fulfilled. */
  readonly #last = new Map<string, Promise<void>>();

  /** Waits for the turn among the claims of the job; to be ended by what it gives. */
  async turn(metaTable: string, job: string): Promise<() => void> {
    const key = JSON.stringify([metaTable, job]);
    const before = this.#last.get(key);
    let end = () => {};
    const turn = new Promise<void>((resolve) => {
      end = resolve;
    });
    this.#last.set(key, turn);
    await before;
    return () => {
      if (this.#last.get(key) === turn) this.#last.delete(key);
      end();
    };
  }
}
