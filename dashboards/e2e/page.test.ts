// The page as its reader meets it: a real browser in front of the server CLEW_URL names.

import { mkdirSync } from "node:fs";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Query } from "../src/api.ts";
import { addDays, lastDayOf } from "../src/day.ts";
import { count } from "../src/format.ts";
import { stages } from "../src/scope.ts";
import { findBrowser, launch, settled } from "./browser.mjs";
import { api, base, drawn, intercept, open, shift, texts, values, type Watched } from "./site.ts";

const found = findBrowser();
const shots = new URL("../test-results/", import.meta.url).pathname;
if (!found && !process.env["CI"]) console.warn("skipped: no Chromium found; install it or name it by CHROMIUM");

describe.skipIf(!found && !process.env["CI"])("the page", () => {
  let browser: Browser;
  /** The last 120 days of the data, and the days as the URL writes them. */
  let from = "";
  let to = "";

  beforeAll(async () => {
    if (!found) throw new Error("no Chromium found: install it or name it by CHROMIUM");
    mkdirSync(shots, { recursive: true });
    browser = await launch(found);
    const meta = await api.meta();
    if (!meta.as_of) throw new Error(`${base} has no data: run \`clew jobs run all\``);
    to = lastDayOf(meta.as_of, meta.timezone);
    from = addDays(to, -119);
  });
  afterAll(() => browser?.close());

  async function done({ page, faults }: Watched): Promise<void> {
    await page.context().close();
    expect(faults).toEqual([]);
  }
  const leadFigures = ["leads", "mqls", "sqls", "won", "lead_to_won_rate", "first_response_hours", "timeliness_24h"];
  const spendFigures = ["cost", "cpl", "cost_per_won"];

  /** What the server says of the days, channel by channel when some are named. */
  async function figures(channels: string[] = []): Promise<Record<string, string>> {
    const filters = channels.length ? [{ member: "channel", operator: "equals" as const, values: channels }] : [];
    const dateRange: [string, string] = [from, to];
    const leads = await api.query({
      measures: leadFigures,
      timeDimensions: [{ dimension: "created_at", dateRange }],
      filters,
    });
    const spend = await api.query({
      measures: spendFigures,
      timeDimensions: [{ dimension: "date", dateRange }],
      filters,
    });
    const all = { ...leads.data[0], ...spend.data[0] };
    // Where nothing was spent the page shows no cost of a lead.
    if (!all["cost"]) Object.assign(all, { cpl: null, cost_per_won: null });
    return Object.fromEntries([...leadFigures, ...spendFigures].map((name) => [name, String(all[name] ?? "")]));
  }
  async function shown({ page }: Watched): Promise<Record<string, string>> {
    const names = await page
      .locator(".tile")
      .evaluateAll((all) => all.map((one) => one.getAttribute("data-measure") ?? ""));
    const numbers = await values(page, ".tile");
    return Object.fromEntries(names.map((name, i) => [name, numbers[i] ?? ""]));
  }

  test("shows the key figures the server answers", async () => {
    const site = await drawn(browser, `/?lang=en&from=${from}&to=${to}`);
    const want = await figures();
    expect(await shown(site)).toEqual(want);
    expect(Number(want["leads"])).toBeGreaterThan(0);
    const leads = count(Number(want["leads"]), { lang: "en", currency: "" });
    expect(await site.page.locator('[data-measure="leads"] .value').innerText()).toBe(leads);
    await done(site);
  });

  test("shows the funnel the server answers, and its groups add up", async () => {
    const site = await drawn(browser, `/?lang=en&from=${from}&to=${to}&window=30d&compare=region`);
    const answer = await api.funnel({
      steps: stages.map((stage) => ({ stage })),
      window: "30d",
      order: "ordered",
      dateRange: [from, to],
    });
    expect(await values(site.page, "#funnel")).toEqual(answer.steps.map((step) => String(step.converted)));
    const groups = await texts(site.page, "#compare tbody td:nth-child(2)");
    const sum = groups.reduce((all, text) => all + Number(text.replaceAll(",", "")), 0);
    expect(groups.length).toBeGreaterThan(1);
    expect(sum).toBe(answer.steps[0]?.converted);
    await done(site);
  });

  test("shows the cost of a lead by channel, and none where there is none", async () => {
    const site = await drawn(browser, `/?lang=en&from=${from}&to=${to}`);
    const { data } = await api.query({
      measures: ["cost", "leads", "cpl"],
      dimensions: ["channel"],
      timeDimensions: [{ dimension: "date", dateRange: [from, to] }],
      order: { cost: "desc", leads: "desc" },
    });
    const channels = await texts(site.page, "#spend tbody th");
    expect(channels).toEqual(data.slice(0, channels.length).map((row) => row["channel"]));
    const cpl = await texts(site.page, "#spend tbody td:nth-child(2)");
    data.slice(0, channels.length).forEach((row, i) => {
      const number = Number((cpl[i] ?? "").replace(/[^\d.]/g, ""));
      if (!row["cost"] || !row["leads"]) expect(cpl[i]).toBe("—");
      else expect(Math.abs(number - Number(row["cpl"]))).toBeLessThanOrEqual(0.5);
    });
    await done(site);
  });

  test("draws every chart", async () => {
    const site = await drawn(browser, "/?lang=en&range=all");
    expect(await site.page.locator('.panel[data-state="drawn"]').count()).toBe(7);
    expect(await site.page.locator(".chart canvas").count()).toBe(2);
    const meta = await api.meta();
    await site.page.locator("#timeliness .chart canvas").hover();
    await expect
      .poll(() => texts(site.page, "#timeliness .hover dt"))
      .toEqual(
        ["timeliness_24h", "first_response_hours", "leads"].map(
          (name) => meta.measures.find((one) => one.name === name)?.title.en,
        ),
      );
    await done(site);
  });

  test("speaks both languages without asking again, and remembers", async () => {
    const site = await drawn(browser, "/?lang=zh");
    expect(await site.page.locator("#funnel h2").innerText()).toBe("阶段漏斗");
    await settled(site.page);
    const calls = site.calls.length;
    await site.page.getByText("English", { exact: true }).click();
    await settled(site.page);
    expect(await site.page.locator("#funnel h2").innerText()).toBe("Stage funnel");
    expect(await site.page.locator('[data-measure="leads"] h3').innerText()).toMatch(/^Leads/);
    expect(await site.page.getAttribute("html", "lang")).toBe("en");
    expect(site.calls.length).toBe(calls);
    await site.page.goto(`${base}/`);
    await settled(site.page);
    expect(await site.page.locator("#funnel h2").innerText()).toBe("Stage funnel");
    await done(site);
  });

  test("another date range changes the numbers and the address, and going back undoes it", async () => {
    const site = await drawn(browser, "/?lang=en&range=all");
    const all = await shown(site);
    await site.page.getByText("90 days", { exact: true }).first().click();
    await settled(site.page);
    const some = await shown(site);
    expect(new URL(site.page.url()).search).toBe("?range=90d");
    expect(Number(some["leads"])).toBeGreaterThan(0);
    expect(Number(some["leads"])).toBeLessThan(Number(all["leads"]));
    await site.page.goBack();
    await settled(site.page);
    await expect.poll(() => shown(site)).toEqual(all);
    await done(site);
  });

  test("custom days are chosen and shared by the address", async () => {
    const site = await drawn(browser, "/?lang=en&range=30d");
    await site.page.locator("#custom-summary").click();
    await site.page.locator("#from").fill(from);
    await site.page.locator("#to").fill(to);
    await site.page.getByRole("button", { name: "Apply" }).click();
    await settled(site.page);
    expect(new URL(site.page.url()).search).toBe(`?from=${from}&to=${to}`);
    expect(await shown(site)).toEqual(await figures());
    await done(site);
  });

  test("the channel filter holds for every panel, and the keyboard reaches it", async () => {
    const site = await drawn(browser, `/?lang=en&from=${from}&to=${to}`);
    await site.page.locator("#channels-summary").focus();
    await site.page.keyboard.press("Enter");
    await site.page.keyboard.press("Tab");
    await site.page.keyboard.press("Space");
    await settled(site.page);
    const [channel] = new URL(site.page.url()).searchParams.getAll("channel");
    expect(channel).toBeTruthy();
    expect(await shown(site)).toEqual(await figures([channel as string]));
    expect(await texts(site.page, "#spend tbody th")).toEqual([channel]);
    expect(await texts(site.page, "#compare tbody th")).toEqual([channel]);
    await site.page.keyboard.press("Escape");
    expect(await site.page.locator("#channels").getAttribute("open")).toBeNull();
    expect(await site.page.evaluate(() => document.activeElement?.id)).toBe("channels-summary");
    await done(site);
  });

  test("tables sort by the column whose head is pressed", async () => {
    const site = await drawn(browser, "/?lang=en&by=owner");
    await site.page.locator('#timeliness [data-sort="leads"]').click();
    const leads = (await texts(site.page, "#timeliness .scroller tbody td:last-child")).map((text) =>
      Number(text.replaceAll(",", "")),
    );
    expect(leads.length).toBeGreaterThan(1);
    expect(leads).toEqual([...leads].sort((a, b) => a - b));
    expect(await site.page.locator('#timeliness th[aria-sort="ascending"]').count()).toBe(1);
    await done(site);
  });

  test.each([
    ["desktop-zh", "zh", 1440, "light"],
    ["desktop-en-dark", "en", 1440, "dark"],
    ["tablet-en", "en", 820, "light"],
    ["mobile-zh", "zh", 390, "light"],
    ["mobile-en-dark", "en", 390, "dark"],
  ] as const)("%s fits its screen and does not move while it loads", async (name, lang, width, colorScheme) => {
    const site = await open(browser, `/?lang=${lang}`, { viewport: { width, height: 844 }, colorScheme });
    await settled(site.page);
    expect(await site.page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
    expect(await shift(site.page)).toBeLessThan(0.02);
    await site.page.screenshot({ path: `${shots}${name}.png`, fullPage: true });
    await done(site);
  });

  test("costs in several currencies are shown one currency at a time", async () => {
    const asked: unknown[] = [];
    const site = await open(browser, "/?lang=en", {}, (page) =>
      intercept(page, "**/api/v1/query", async (route) => {
        const query = route.request().postDataJSON() as Query;
        if (query.dimensions?.[0] !== "currency") {
          if (query.measures.includes("cpl"))
            asked.push(query.filters?.find((one) => one.member === "currency")?.values);
          return route.fallback();
        }
        const data = [
          { currency: "CNY", cost: 9000 },
          { currency: "USD", cost: 100 },
          { currency: "(none)", cost: 0 },
        ];
        await route.fulfill({ json: { data, as_of: null, warnings: [] } });
      }),
    );
    await settled(site.page);
    expect(new Set(asked.map(String))).toEqual(new Set(["CNY,(none)"]));
    asked.length = 0;
    await site.page.locator("#currency").selectOption("USD");
    await settled(site.page);
    expect(new Set(asked.map(String))).toEqual(new Set(["USD,(none)"]));
    expect(new URL(site.page.url()).search).toBe("?currency=USD");
    expect(await texts(site.page, "#spend .note")).toEqual([
      "Costs are in several currencies; only USD is counted here.",
    ]);
    await done(site);
  });

  test("a refusal is shown with its reason and remedy, beside panels that work, until it is mended", async () => {
    const site = await open(browser, "/?lang=en", {}, (page) =>
      intercept(page, "**/api/v1/funnels/query", (route) =>
        route.fulfill({
          status: 400,
          contentType: "application/problem+json",
          body: JSON.stringify({
            status: 400,
            code: "bad_window",
            title: "Bad window",
            detail: "window 0d is empty",
            hint: "use 1d or more",
          }),
        }),
      ),
    );
    await settled(site.page);
    expect(await site.page.locator("#funnel [role=alert]").innerText()).toMatch(
      /bad_window[\s\S]*window 0d is empty[\s\S]*use 1d or more/,
    );
    expect(await site.page.locator("#kpis").getAttribute("data-state")).toBe("drawn");
    await site.page.screenshot({ path: `${shots}refused.png`, fullPage: true });
    await site.page.unroute("**/api/v1/funnels/query");
    await site.page.locator("#funnel").getByRole("button", { name: "Try again" }).click();
    await settled(site.page);
    expect(await site.page.locator("#funnel").getAttribute("data-state")).toBe("drawn");
    await site.page.context().close();
  });

  test("a server that cannot be reached is said to be", async () => {
    const site = await open(browser, "/?lang=zh", {}, (page) => intercept(page, "**/api/**", (route) => route.abort()));
    await expect
      .poll(() => texts(site.page, "main [role=alert] p"))
      .toEqual(["无法连接服务器，请确认 clew 正在运行。"]);
    await site.page.unroute("**/api/**");
    await site.page.getByRole("button", { name: "重试" }).click();
    await settled(site.page);
    expect(await site.page.locator('.panel[data-state="drawn"]').count()).toBe(7);
    await site.page.context().close();
  });

  test("an empty warehouse names the command that fills it", async () => {
    const site = await open(browser, "/?lang=en", {}, (page) =>
      intercept(page, "**/api/v1/query", async (route) => {
        const answer = (await (await route.fetch()).json()) as object;
        await route.fulfill({ json: { ...answer, data: [] } });
      }),
    );
    await expect.poll(() => texts(site.page, "main .state code")).toEqual(["clew jobs run all"]);
    await site.page.screenshot({ path: `${shots}empty.png` });
    await done(site);
  });

  test("days without data leave the page standing, empty", async () => {
    const site = await drawn(browser, "/?lang=en&from=1999-01-01&to=1999-01-31");
    const states = await site.page
      .locator(".panel")
      .evaluateAll((all) => all.map((one) => one.getAttribute("data-state")));
    expect(states).toEqual(Array(7).fill("empty"));
    await done(site);
  });

  test("a name from the data is text, whatever it says", async () => {
    const name = '<img src="/x" onerror="document.title=1">';
    const site = await open(browser, "/?lang=en", {}, (page) =>
      intercept(page, "**/api/v1/query", async (route) => {
        const answer = (await (await route.fetch()).json()) as { data: Record<string, unknown>[] };
        const data = answer.data.map((row) => ("channel" in row ? { ...row, channel: name } : row));
        await route.fulfill({ json: { ...answer, data } });
      }),
    );
    await settled(site.page);
    expect((await texts(site.page, "#spend tbody th"))[0]).toBe(name);
    expect(await site.page.title()).toBe("Clew · Lead analytics");
    await done(site);
  });
});
