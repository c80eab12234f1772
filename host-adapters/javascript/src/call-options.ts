// What calls take beside their arguments.

/** How a call is made. */
export interface CallOptions {
  /**
   * Ends the call before its next statement, with the signal's reason. A statement that is under way is waited for:
   * a claim that is aborted either gives its batch or has claimed nothing.
   */
  signal?: AbortSignal | undefined;
}

/** How a claim is made. */
export interface ClaimOptions extends CallOptions {
  /**
   * A token of the caller's own (unguessable, 1 to 255 bytes): the call may be repeated after any failure, by another
   * process too, and gives the same batch again once it has succeeded.
   */
  claimToken?: string | undefined;
}

/** How a batch is ended and the next one claimed. */
export interface AdvanceOptions extends ClaimOptions {
  /** How many of the next batch's items come with it at most, up to 10,000; by default 1,000. */
  items?: number | undefined;
}
