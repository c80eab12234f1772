// Fetches the page again every few seconds and swaps its main part. All else works without it.
"use strict";

// In milliseconds.
const period = 5000;

// Of the time, at most this part is spent on making pages: those of a huge inventory take theirs.
const share = 0.1;

const pause = document.getElementById("pause");
const state = document.getElementById("refreshing");

/** Tells what is wrong, if anything. Said once, since screen readers read it out. */
function tell(text) {
  if (state.textContent !== text) state.textContent = text;
}

/** Whether the user is doing something that a swap would disturb. */
function isBusy(main) {
  const selection = getSelection();
  return !selection.isCollapsed && main.contains(selection.anchorNode);
}

/** Shows a new main part. What was opened stays open, what had the focus keeps it. */
function swap(main, fresh) {
  for (const open of main.querySelectorAll("details[open][id]")) {
    fresh.querySelector("#" + CSS.escape(open.id))?.setAttribute("open", "");
  }
  const scrolled = [...main.querySelectorAll("[tabindex='0']")].map((part) => [part.scrollTop, part.scrollLeft]);
  const focused = main.contains(document.activeElement) ? document.activeElement.id : "";
  const parts = [...fresh.childNodes].map((part) => document.adoptNode(part));
  main.replaceChildren(...parts);
  if (focused && focused !== main.id) {
    document.getElementById(focused)?.focus({ preventScroll: true });
  }
  main.querySelectorAll("[tabindex='0']").forEach((part, index) => {
    [part.scrollTop, part.scrollLeft] = scrolled[index] ?? [0, 0];
  });
}

async function refresh() {
  const main = document.getElementById("main");
  if (document.hidden || pause.getAttribute("aria-pressed") === "true" || isBusy(main)) return;
  try {
    const response = await fetch(location.href, { signal: AbortSignal.timeout(4 * period) });
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const fresh = page.getElementById("main");
    if (!response.ok || !fresh) throw new Error(`status ${response.status}`);
    if (!isBusy(main)) swap(main, fresh);
    tell("");
  } catch (error) {
    tell(`Not up to date: the service does not answer as it should (${error.message}).`);
  }
}

async function refreshForEver() {
  let rest = period;
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, rest));
    const start = performance.now();
    await refresh();
    rest = Math.max(period, (performance.now() - start) / share);
  }
}

// Said once is enough: what is fetched from now on is without the word that ranges were requeued.
const address = new URL(location.href);
address.searchParams.delete("requeued");
history.replaceState(history.state, "", address);

pause.hidden = false;
pause.addEventListener("click", () => {
  const isPaused = pause.getAttribute("aria-pressed") === "true";
  pause.setAttribute("aria-pressed", String(!isPaused));
});
document.addEventListener("visibilitychange", refresh);
refreshForEver();
