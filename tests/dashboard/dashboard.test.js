// The dashboard as people meet it: in Chromium, served by batchintory. tests/tests/hosts/dashboard.rs makes
// the inventory and starts these tests.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import path from "node:path";
import { after, before, test } from "node:test";

const { DASHBOARD_URL: url, DASHBOARD_TOKEN: token, DASHBOARD_SCREENSHOTS: screenshots } = process.env;
const require = createRequire(path.join(process.env.DASHBOARD_PACKAGES, "package.json"));
const { chromium } = require("playwright-core");
const axe = require("axe-core").source;

const thumbnails = "/dashboard/job?meta_table=files&job=thumbnails";
const item = "/dashboard/items?meta_table=files&uid=7800";
const missing = "/dashboard/job?meta_table=files&job=none";
const signIn = "/dashboard/sign-in";
const pages = ["/", thumbnails, item, missing, signIn];

// In milliseconds: longer than anything takes that comes, however busy the machine is.
const patience = 300_000;

let browser;
before(async () => {
  browser = await chromium.launch({ executablePath: process.env.DASHBOARD_CHROMIUM, timeout: patience });
});
after(() => browser?.close());

/**
 * Opens a page in a window of its own. Whatever its console says fails the test in the end, but that
 * something was answered with the status that is expected.
 */
async function open(context, address, { expectedStatus = address === missing ? 404 : 200, isSignedIn = true, ...options } = {}) {
  const window = await browser.newContext({ viewport: { width: 1200, height: 900 }, ...options });
  const cookie = { name: `batchintory-token-${new URL(url).port}`, value: token, url, httpOnly: true, sameSite: "Strict" };
  if (isSignedIn) await window.addCookies([cookie]);
  window.setDefaultTimeout(patience);
  const page = await window.newPage();
  const complaints = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  context.after(async () => {
    await window.close();
    assert.deepEqual(complaints.filter((text) => !text.includes(`status of ${expectedStatus}`)), []);
  });
  await page.goto(url + address);
  return page;
}

test("screenshots", { skip: !screenshots }, async (context) => {
  for (const colorScheme of ["light", "dark"]) {
    const page = await open(context, "/", { colorScheme });
    await page.screenshot({ path: path.join(screenshots, `dashboard-${colorScheme}.png`), fullPage: true });
  }
  const page = await open(context, thumbnails, { colorScheme: "light", viewport: { width: 1000, height: 1312 } });
  await page.locator("details[id^=log]").first().evaluate((details) => (details.open = true));
  await page.screenshot({ path: path.join(screenshots, "dashboard-job.png") });
});

test("the bands show all states", async (context) => {
  const page = await open(context, "/");
  assert.deepEqual(await page.locator("article h2 a").allTextContents(), ["checksums", "thumbnails", "search index"]);
  const states = (job) => page.locator("article", { hasText: job }).locator("svg.band > rect")
    .evaluateAll((parts) => [...new Set(parts.map((part) => part.getAttribute("class")))].sort());
  assert.deepEqual(await states("checksums"), ["passed-over", "succeeded"]);
  assert.deepEqual(await states("thumbnails"), ["exhausted", "failed", "passed-over", "running", "succeeded", "to-do"]);
  assert.deepEqual(await states("search index"), ["held", "requeued", "succeeded", "to-do"]);
});

test("a band fills its width, and what it shows is where its id is", async (context) => {
  const page = await open(context, thumbnails);
  const band = await page.locator("svg.band").boundingBox();
  const parts = await page.locator("svg.band > rect").evaluateAll((all) => all.map((part) => {
    const { left, right } = part.getBoundingClientRect();
    return { state: part.getAttribute("class"), left, right };
  }));
  assert.equal(Math.round(parts[0].left), Math.round(band.x));
  parts.forEach((part, index) => {
    const next = parts[index + 1]?.left ?? band.x + band.width;
    assert.ok(Math.abs(part.right - next) < 0.2, `${part.state} ends at ${part.right}, the next begins at ${next}`);
  });
  // Ids 21,001 to 23,500 of 60,000 are not there.
  const hole = parts.find((part) => part.state === "passed-over");
  assert.ok(Math.abs((hole.left - band.x) / band.width - 21_000 / 60_000) < 0.005);
  assert.ok(Math.abs((hole.right - band.x) / band.width - 23_500 / 60_000) < 0.005);
});

for (const colorScheme of ["light", "dark"]) {
  test(`patterns and colours are seen: ${colorScheme}`, async (context) => {
    const page = await open(context, "/", { colorScheme });
    const colour = (selector, property) => page.locator(selector).first()
      .evaluate((part, name) => getComputedStyle(part)[name], property);
    const background = await colour("body", "backgroundColor");
    assert.equal(luminance(background) < 0.2, colorScheme === "dark", background);
    const fills = [];
    for (const state of ["earlier", "running", "failed", "exhausted", "requeued", "held"]) {
      fills.push(await colour(`pattern#${state} rect`, "fill"));
      assert.equal(await page.locator(`.legend rect.${state}`).getAttribute("fill"), `url(#${state})`);
    }
    for (const state of ["succeeded", "to-do", "passed-over"]) fills.push(await colour(`.legend rect.${state}`, "fill"));
    assert.equal(new Set(fills).size, 9, fills.join());
  });
}

function luminance(colour) {
  const [red, green, blue] = colour.match(/[\d.]+/g).map(Number);
  return (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255;
}

test("without JavaScript all is there, and the form that looks for an item works", async (context) => {
  const page = await open(context, "/", { javaScriptEnabled: false });
  assert.equal(await page.locator("svg.band").count(), 3);
  assert.equal(await page.locator("#pause").isVisible(), false);
  await page.getByLabel("Meta table").fill("files");
  await page.getByLabel("Item’s id").fill("7800");
  await page.getByRole("button", { name: "Find its history" }).click();
  assert.equal(await page.locator("h1").textContent(), "Item 7,800 of files");
  const rows = await page.locator("tbody tr").allInnerTexts();
  assert.equal(rows.length, 2);
  assert.match(rows[0], /thumbnails\s+1\s+failed, exhausted\s+7,751 – 8,000/);
  await page.getByRole("link", { name: "thumbnails" }).click();
  await page.locator("details[id^=log] summary").first().click();
  assert.ok(await page.getByText("Traceback").first().isVisible());
});

for (const address of pages) {
  for (const colorScheme of ["light", "dark"]) {
    test(`nothing bars anybody: ${address}, ${colorScheme}`, async (context) => {
      const page = await open(context, address, { colorScheme });
      // What is folded is looked at too.
      await page.locator("details").evaluateAll((all) => all.forEach((details) => (details.open = true)));
      await page.evaluate(axe);
      const { violations, passes } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
      assert.deepEqual(violations.map(({ id, nodes }) => [id, nodes.map((node) => node.html)]), []);
      assert.ok(passes.length > 5);
    });
  }

  test(`the tab key reaches everything, and it is seen where: ${address}`, async (context) => {
    const page = await open(context, address);
    const expected = await page.evaluate(() => [...document.querySelectorAll("a[href], button, input, summary, [tabindex='0']")]
      .filter((part) => part.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true }) && part.type !== "hidden").length);
    const reached = new Set();
    for (;;) {
      await page.keyboard.press("Tab");
      const focus = await page.evaluate(() => {
        const part = document.activeElement;
        if (part === document.body) return null;
        const all = [...document.querySelectorAll("*")];
        const { outlineStyle, outlineWidth } = getComputedStyle(part);
        return { index: all.indexOf(part), html: part.outerHTML.slice(0, 100), outline: `${outlineStyle} ${outlineWidth}` };
      });
      if (!focus || reached.has(focus.index)) break;
      assert.equal(focus.outline, "solid 3px", focus.html);
      reached.add(focus.index);
    }
    assert.equal(reached.size, expected);
  });

  test(`a narrow screen is wide enough: ${address}`, async (context) => {
    const page = await open(context, address, { viewport: { width: 360, height: 740 } });
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360);
  });
}

/** Opens a page whose clock goes only when it is told to, and lists what is fetched from then on. */
async function openInOwnTime(context, address, options) {
  const page = await open(context, address, options);
  await page.clock.install({ time: 0 });
  await page.clock.pauseAt(1000);
  await page.reload();
  let fetched = 0;
  page.on("request", () => (fetched += 1));
  /**
   * Lets seconds pass, in which the page is to be fetched so often. The last fetch must be due at their very end:
   * else its answer comes at the next moment, or some seconds later, by the page's clock.
   */
  const pass = async (seconds, times) => {
    fetched = 0;
    const heading = page.locator("h1");
    await heading.evaluate((shown) => (shown.dataset.isOld = ""));
    await page.clock.runFor(seconds * 1000);
    // What is fetched is shown; what is not cannot be waited for.
    if (times > 0) await page.locator("h1:not([data-is-old])").waitFor();
    assert.equal(fetched, times);
  };
  return { page, pass };
}

test("the page is fetched again by itself, and nobody loses their place", async (context) => {
  const { page, pass } = await openInOwnTime(context, thumbnails);
  const log = page.locator("details[id^=log]").first();
  await log.locator("summary").click();
  const focused = await page.evaluate(() => {
    globalThis.isSamePage = true;
    return document.activeElement.id;
  });
  const rows = page.locator("#running-scroll tbody tr");
  assert.equal(await rows.count(), 3);
  const claimed = await fetch(`${url}/v1/jobs/thumbnails/batches`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ meta_table: "files", max_count: 50 }),
  });
  assert.equal(claimed.status, 201);
  await pass(5, 1);
  assert.equal(await rows.count(), 4);
  assert.equal(await page.evaluate(() => globalThis.isSamePage), true);
  assert.equal(await log.evaluate((details) => details.open), true);
  assert.equal(await page.evaluate(() => document.activeElement.id), focused);
});

test("refreshing can be paused", async (context) => {
  const { page, pass } = await openInOwnTime(context, "/");
  await pass(5, 1);
  await page.getByRole("button", { name: "Pause" }).click();
  await pass(60, 0);
  await page.getByRole("button", { name: "Pause" }).click();
  await pass(5, 1);
});

test("pages that take their time are fetched less often", async (context) => {
  const { page, pass } = await openInOwnTime(context, "/");
  await page.route("**/*", async (route) => {
    await page.clock.runFor(2000);
    await route.continue();
  });
  // It takes two seconds, ten times as much of which are the rest.
  await pass(5, 1);
  await pass(15, 0);
  await pass(5, 1);
});

test("that the service is gone is said, and that it is back is seen", async (context) => {
  const { page, pass } = await openInOwnTime(context, "/", { expectedStatus: 503 });
  await page.route("**/*", (route) => route.fulfill({ status: 503, contentType: "text/html", body: "<main id=main>Later</main>" }));
  await page.clock.runFor(5000);
  await page.getByText("Not up to date").waitFor();
  // What was known stays there.
  assert.equal(await page.locator("svg.band").count(), 3);
  await page.unroute("**/*");
  await pass(5, 1);
  assert.equal(await page.getByText("Not up to date").count(), 0);
});

test("whoever signs in may requeue a range, until they sign out", async (context) => {
  const page = await open(context, thumbnails, { isSignedIn: false, expectedStatus: 401 });
  await page.getByLabel("Access token").fill("not-the-access-token");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("is no access token").waitFor();
  await page.goto(url + thumbnails);
  await page.getByLabel("Access token").fill(token);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL(url + thumbnails);
  const exhausted = page.locator("section", { has: page.locator("#exhausted-ranges") });
  assert.equal(await exhausted.locator("li").count(), 3);
  await exhausted.getByRole("button", { name: /^Requeue the range/ }).first().click();
  await page.getByText("1 range requeued, to be handed out again.").waitFor();
  assert.equal(await exhausted.locator("li").count(), 2);
  assert.ok(!page.url().includes("requeued"), page.url());
  assert.equal(await page.locator("svg.band rect.requeued").count(), 1);
  await page.getByRole("button", { name: "Requeue all exhausted ranges" }).click();
  await page.getByText("2 ranges requeued, to be handed out again.").waitFor();
  await page.getByText("Nothing is exhausted.").waitFor();
  // What runs is not taken from its owner by mistake.
  const button = page.getByRole("button", { name: /^Requeue the range/ });
  assert.equal(await button.first().isVisible(), false);
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByLabel("Access token").waitFor();
  assert.equal(await page.locator("svg.band").count(), 0);
});

test("an address with the token signs in, and is left behind", async (context) => {
  const page = await open(context, `/?token=${token}`, { isSignedIn: false });
  assert.equal(page.url(), `${url}/`);
  await page.getByRole("button", { name: "Sign out" }).waitFor();
  assert.equal(await page.evaluate(() => document.cookie), "");
});
