// Signs of life in the background.

import { isLoss, type LossError, leaseOver } from "./errors.js";

/** How often a lease is prolonged before it would be over: one sign of life may get lost. */
const beatsPerLease = 3;
/** By this factor the next one follows sooner after one that got lost. */
const sooner = 4;

/**
 * Prolongs a lease, of which so many milliseconds are left, until it is told to stop, by what it gives. When the batch is
 * not its owner's any more, or no sign of life got through for as long as the lease, by a clock that never goes back,
 * `lost` is told so. Does not keep the process alive.
 */
export function keepAlive(
  leaseSeconds: number,
  left: number,
  beat: () => Promise<unknown>,
  lost: (error: LossError) => void,
): () => void {
  const lease = leaseSeconds * 1000;
  const period = lease / beatsPerLease;
  let until = performance.now() + left;
  let isStopped = false;
  let beating: Timer | undefined;
  let watching: Timer | undefined;
  const stop = () => {
    isStopped = true;
    clearTimeout(beating);
    clearTimeout(watching);
  };
  const lose = (error: LossError) => {
    if (isStopped) return;
    stop();
    lost(error);
  };
  // A statement that is not answered must not keep the owner from knowing.
  const watch = () => {
    const left = until - performance.now();
    if (left > 0) watching = wait(watch, left);
    else lose(leaseOver(leaseSeconds));
  };
  const tick = async () => {
    const sent = performance.now();
    let pause = period / sooner;
    try {
      await beat();
      until = Math.max(until, sent + lease);
      pause = sent + period - performance.now();
    } catch (error) {
      if (isLoss(error)) {
        lose(error);
        return;
      }
      // The next one may come through in time.
    }
    if (!isStopped) beating = wait(tick, pause);
  };
  beating = wait(tick, left - period * (beatsPerLease - 1));
  watch();
  return stop;
}

type Timer = ReturnType<typeof setTimeout>;

function wait(work: () => void, milliseconds: number): Timer {
  const timer = setTimeout(work, Math.min(Math.max(milliseconds, 0), 2 ** 31 - 1));
  // A number in browsers.
  if (typeof timer === "object") timer.unref();
  return timer;
}
