// What an instance of the component may use.

/** How long one call may compute, where it can be stopped; time that the databases take does not count. */
export const computeMilliseconds = 10_000;
