/** The page in a real browser against the whole fleet. Without a Chromium it is skipped, except where CI says that there must be one. */

import { existsSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { readEnvironment } from "#libs/config/environment.ts";
import { sources } from "../../services/fleet.ts";
import type { Answer } from "../e2e/running-shop.ts";
import { startTestFleet, type TestFleet } from "../support/fleet.ts";

const environment = readEnvironment();
const executablePath = environment.CHROMIUM ?? "/usr/bin/chromium";
const missing = !existsSync(executablePath);
const name = missing ? `the page (skipped: no Chromium at ${executablePath}; set CHROMIUM)` : "the page";

const flags = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const asked = sources.filter(({ serves }) => serves.includes("recommend"));
const desktop = { viewport: { width: 1360, height: 900 } };
const phone = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true };

describe.skipIf(missing && environment.CI !== "true")(name, () => {
  let fleet: TestFleet;
  let browser: Browser;
  let pictures: string;
  let problems: string[];
  let pages: Page[] = [];

  beforeAll(async () => {
    fleet = await startTestFleet({ env: { MODISTE_DEADLINE_MS: "10000" } });
    browser = await chromium.launch({ executablePath, args: flags });
    pictures = environment.MODISTE_SCREENSHOTS ?? (await mkdtemp(join(tmpdir(), "modiste-page-")));
  });
  afterAll(async () => {
    await browser?.close();
    await fleet?.close();
  });
  afterEach(async () => {
    for (const page of pages) await page.close();
    pages = [];
  });

  /** A fresh page without any console error, page error or request elsewhere; `problems` gathers them. */
  async function newPage(options: BrowserContextOptions = desktop): Promise<Page> {
    const page = await browser.newPage({ reducedMotion: "reduce", ...options });
    problems = [];
    page.on("pageerror", (error) => problems.push(error.message));
    page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
    page.on("request", (request) => request.url().startsWith(fleet.url) || problems.push(`asked ${request.url()}`));
    pages.push(page);
    return page;
  }

  async function openPage(options?: BrowserContextOptions, hash = ""): Promise<Page> {
    const page = await newPage(options);
    await page.goto(`${fleet.url}/${hash}`);
    await page.waitForSelector(".tile");
    return page;
  }

  const itemsOf = (page: Page): Promise<string[]> =>
    page.$$eval(".tile", (tiles) => tiles.map((tile) => tile.getAttribute("data-item") ?? ""));
  const text = async (page: Page, selector: string): Promise<string> => (await page.textContent(selector)) ?? "";

  /** Waits until an element says something. */
  const shows = (page: Page, selector: string, words: string): Promise<void> =>
    page.locator(selector, { hasText: words }).first().waitFor();

  /** Waits until there are so many elements. */
  const counts = async (page: Page, selector: string, count: number): Promise<void> => {
    await expect.poll(() => page.locator(selector).count(), { timeout: 10_000 }).toBe(count);
  };

  async function chooseNewVisitor(page: Page): Promise<void> {
    await page.click(".person >> text=New visitor");
    await shows(page, "#title", "Recommended for a new visitor");
  }

  it("shows a known user twelve items with reasons, a history and what stands behind the answer", async () => {
    const page = await openPage();
    expect(await page.locator(".tile").count()).toBe(12);
    for (const reasons of await page.locator(".tile .reasons").allTextContents()) expect(reasons).toMatch(/^[A-Z].{5,}/);
    expect(await page.locator(".tile .reasons").count()).toBe(12);
    expect(await page.locator(".tile svg.garment").count()).toBe(12);
    expect(await page.locator(".event").count()).toBeGreaterThan(3);
    expect(await text(page, ".event")).toContain("bought");
    const insight = await text(page, "#insight");
    for (const word of ["Complete", "known", `${asked.length} of ${asked.length} answered`, "rank", fleet.shop.release])
      expect(insight).toContain(word);
    for (const { name: source, hint } of asked) expect(insight).toContain(source + hint);
    await page.screenshot({ path: join(pictures, "page-known.png"), fullPage: true });
    expect(problems).toEqual([]);
  });

  it("shows the trace of the request over all services", async () => {
    const page = await openPage();
    await page.click(".trace summary");
    await page.waitForSelector(".waterfall tr");
    const trace = await text(page, ".waterfall");
    for (const service of ["gateway", "profile", ...asked.map((source) => source.name), "ranking"])
      expect(trace).toContain(`${service} answers`);
    expect(problems).toEqual([]);
  });

  it("shows a new visitor what is popular, and says that nothing is known", async () => {
    const page = await openPage();
    const answering = page.waitForResponse(/\/v1\/recommendations/);
    await chooseNewVisitor(page);
    const { items } = (await (await answering).json()) as Answer;
    expect(await page.locator(".tile").count()).toBe(12);
    expect(await text(page, "#subtitle")).toBe("This visitor is unknown: popular items.");
    expect(await text(page, "#history")).toContain("Nothing is known yet");
    // Whichever sources speak to strangers: what sells is among it, and nothing is due to a history.
    expect(items.flatMap(({ reasons }) => reasons.map(({ source }) => source))).toContain("popularity");
    expect(items.flatMap(({ reasons }) => reasons.map(({ because_item_id }) => because_item_id)).filter((id) => id !== "")).toEqual([]);
    const shown = await page.locator(".tile .reasons").allTextContents();
    expect(shown.length).toBe(12);
    for (const [i, { reasons }] of items.entries()) expect(shown[i]!.slice(1).startsWith(reasons[0]!.text.slice(1)), shown[i]!).toBe(true);
    expect(await text(page, ".facts-list")).toContain("unknown");
    await page.screenshot({ path: join(pictures, "page-new.png"), fullPage: true });
    expect(problems).toEqual([]);
  });

  it("a purchase shows in the history and changes the list; a dislike takes its item away", async () => {
    const page = await openPage();
    await chooseNewVisitor(page);
    const before = await itemsOf(page);
    const bought = await text(page, ".tile:nth-child(3) h3");
    await page.click(".tile:nth-child(3) .buy");
    await page.waitForSelector(".event");
    expect(await text(page, ".event-name")).toBe(bought);
    expect(await text(page, ".event-facts")).toBe("bought · just now");
    expect(await text(page, "#status")).toMatch(new RegExp(`^Bought ${bought}\\. .*, \\d+ ms after the click\\.$`));
    const after = await itemsOf(page);
    expect(after).not.toEqual(before);
    expect(await page.locator(".tile.is-new").count()).toBe(after.filter((item) => !before.includes(item)).length);
    expect(await page.locator(".tile .reasons", { hasText: bought }).count()).toBeGreaterThan(0);
    const disliked = after[0]!;
    await page.click(".tile:nth-child(1) [data-action=dislike]");
    await counts(page, ".event", 2);
    expect(await itemsOf(page)).not.toContain(disliked);
    expect(problems).toEqual([]);
  });

  it("remembers the visitor of this tab over a reload, and forgets it for another one", async () => {
    const page = await openPage();
    await chooseNewVisitor(page);
    await page.click(".tile:nth-child(1) [data-action=view]");
    await page.waitForSelector(".event");
    await page.reload();
    await page.waitForSelector(".tile");
    await chooseNewVisitor(page);
    await page.waitForSelector(".event");
    await page.click(".person >> text=New visitor");
    await counts(page, ".event", 0);
    expect(problems).toEqual([]);
  });

  it("shows items similar to one and goes back", async () => {
    const page = await openPage();
    const item = await text(page, ".tile:nth-child(2) h3");
    await page.click(".tile:nth-child(2) [data-action=similar]");
    await shows(page, "#title", `Similar to ${item}`);
    expect(await page.locator(".tile").count()).toBeGreaterThan(0);
    await page.click("#back");
    await shows(page, "#title", "Recommended for this user");
    expect(problems).toEqual([]);
  });

  it("filters by category, colour and price, and clears", async () => {
    const page = await openPage();
    const category = (await page.$$eval("#category option", (options) => options.map((option) => option.getAttribute("value") ?? "")))[1]!;
    await page.selectOption("#category", category);
    await shows(page, ".tile:first-child .facts", category);
    await page.fill("#price-min", "100000");
    await page.press("#price-min", "Tab");
    await counts(page, ".tile", 0);
    expect(await text(page, "#subtitle")).toContain("Nothing fits these filters.");
    await page.click("#clear");
    await counts(page, ".tile", 12);
    await page.selectOption("#surface", "email");
    await page.waitForResponse((response) => response.url().includes("surface=email"));
    expect(problems).toEqual([]);
  });

  it("takes a typed user id, also one that nobody knows", async () => {
    const page = await openPage();
    await page.fill("#user-id", "nobody & <b>nothing</b>");
    await page.press("#user-id", "Enter");
    await shows(page, "#subtitle", "unknown");
    expect(await page.locator(".tile").count()).toBe(12);
    expect(page.url()).toContain("#user=nobody");
    expect(await page.locator("#people b").count()).toBe(0);
    const again = await openPage(desktop, `#user=${fleet.shop.userIds[1]}`);
    expect(await again.locator(".person[aria-pressed=true]").count()).toBe(1);
    expect(problems).toEqual([]);
  });

  it("works with the keyboard alone", async () => {
    const page = await openPage();
    await page.keyboard.press("Tab");
    expect(await page.evaluate("document.activeElement.className")).toBe("skip");
    await page.focus(".tile:nth-child(1) [data-action=like]");
    await page.keyboard.press("Enter");
    await shows(page, ".event:first-child .event-facts", "liked · just now");
    const unnamed = await page.$$eval("button, input, select, a", (elements) =>
      elements
        .filter(
          (element) =>
            !(
              element.textContent?.trim() ||
              element.getAttribute("aria-label") ||
              (element as { labels?: { length: number } }).labels?.length
            ),
        )
        .map(({ outerHTML }) => outerHTML),
    );
    expect(unnamed).toEqual([]);
    expect(problems).toEqual([]);
  });

  it("fits a phone without scrolling sideways, in the dark as well", async () => {
    for (const colorScheme of ["light", "dark"] as const) {
      const page = await openPage({ ...phone, colorScheme });
      await page.click(".trace summary");
      await page.waitForSelector(".waterfall");
      expect(await page.evaluate("[document.documentElement.scrollWidth, document.body.scrollWidth]")).toEqual([360, 360]);
      const small = await page.$$eval(
        ".tile button",
        (buttons) =>
          buttons.map((button) => button.getBoundingClientRect()).filter(({ width, height }) => width < 32 || height < 36).length,
      );
      expect(small).toBe(0);
      await page.screenshot({ path: join(pictures, colorScheme === "light" ? "page-phone.png" : "page-phone-dark.png"), fullPage: true });
      expect(problems).toEqual([]);
    }
  });

  it("shows markup in names as text and runs none of it", async () => {
    const markup = `<img src=x onerror="document.title='ran'"><script>document.title='ran'</script>"'&`;
    const page = await newPage();
    await page.route(/\/v1\/(recommendations|users)|\/page\/start/, async (route) => {
      const answer = await route.fetch();
      const marked = JSON.stringify(await answer.json(), (key, value) =>
        ["name", "category", "text", "label", "colour", "appearance"].includes(key) && typeof value === "string" ? markup : value,
      );
      await route.fulfill({ response: answer, body: marked });
    });
    await page.goto(fleet.url);
    await page.waitForSelector(".tile");
    expect(await text(page, ".tile h3")).toBe(markup);
    expect(await text(page, ".event-name")).toBe(markup);
    expect(await page.locator("body img, body script").count()).toBe(0);
    expect(await page.title()).toBe("modiste");
    expect(problems).toEqual([]);
  });

  it("says in words when the server is away or refuses, and recovers", async () => {
    const page = await openPage();
    await page.route("**/v1/recommendations*", (route) => route.abort());
    await page.selectOption("#surface", "basket");
    await page.waitForSelector("#error:not([hidden])");
    expect(await text(page, "#error")).toBe("The server does not answer. Is modiste still running?");
    await page.unroute("**/v1/recommendations*");
    await page.fill("#price-min", "9");
    await page.fill("#price-max", "3");
    await page.press("#price-max", "Tab");
    await shows(page, "#error", "price_min");
    await page.click("#clear");
    await page.waitForSelector("#error", { state: "hidden" });
    expect(await page.locator(".tile").count()).toBe(12);
  });

  it("leaves nothing in the log of errors", () => {
    expect(fleet.logged.filter(({ level }) => level === "error" || level === "fatal")).toEqual([]);
  });
});
