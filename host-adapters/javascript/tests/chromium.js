// Chromium without a window, and without its own traffic.
import { chromium } from "playwright-core";

// In milliseconds: longer than anything takes that comes, however busy the machine is.
export const patience = 300_000;

/** Starts it. */
export function startChromium() {
  return chromium.launch({
    executablePath: process.env.BATCHINTORY_TEST_CHROMIUM ?? "/usr/bin/chromium",
    timeout: patience,
    args: [
      ...["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"],
      ...["--disable-background-networking", "--disable-component-update"],
    ],
  });
}
