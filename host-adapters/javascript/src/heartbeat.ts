// Signs of life in the background.

import { isLoss, type LossError } from "./errors.js";

/** A lease is prolonged so often before it would be over, so that one sign of life may get lost. */
const beatsPerLease = 3;

/**
 * Prolongs a lease until it is told to stop, by what it gives. When the batch is not its owner's any more, `lost` is
 * told so. Does not keep the process alive.
 */
export function keepAlive(
  leaseSeconds: number,
  beat: () => Promise<unknown>,
  lost: (error: LossError) => void,
): () => void {
  let isStopped = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const next = () => {
    timer = setTimeout(tick, Math.min((leaseSeconds * 1000) / beatsPerLease, 2 ** 31 - 1));
    // A number in browsers.
    if (typeof timer === "object") timer.unref();
  };
  const tick = async () => {
    try {
      await beat();
    } catch (error) {
      if (isLoss(error)) {
        if (!isStopped) lost(error);
        return;
      }
      // The next one may come through in time.
    }
    if (!isStopped) next();
  };
  next();
  return () => {
    isStopped = true;
    clearTimeout(timer);
  };
}
