// The running server the tests look at, and pages that watch themselves.

import type { Browser, BrowserContextOptions, Page, Route } from "playwright-core";
import type { Answer, FunnelAnswer, FunnelQuery, Meta, Query } from "../src/api.ts";
import { settled } from "./browser.mjs";

function serverURL(): string {
  const url = process.env["CLEW_URL"];
  if (!url) throw new Error("CLEW_URL is not set: start `clew demo` and name its address, as http://127.0.0.1:8080");
  return url.replace(/\/$/, "");
}

export const base = serverURL();

async function ask<T>(path: string, body?: unknown): Promise<T> {
  const response = await fetch(`${base}/api/v1/${path}`, {
    ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
    headers: { "Content-Type": "application/json" },
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}

/** Asks the server past the page. */
export const api = {
  meta: () => ask<Meta>("meta"),
  query: (query: Query) => ask<Answer>("query", query),
  funnel: (query: FunnelQuery) => ask<FunnelAnswer>("funnels/query", query),
};

export interface Watched {
  page: Page;
  /** Console errors, script errors, failed and foreign requests. */
  faults: string[];
  /** Paths of the API calls the page made. */
  calls: string[];
}

function watch(page: Page): Watched {
  const watched: Watched = { page, faults: [], calls: [] };
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") watched.faults.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => watched.faults.push(`script: ${error.message}`));
  page.on("requestfailed", (request) => {
    // The browser cancels what a page being left still loads; whatever the server does wrong has another name.
    const reason = request.failure()?.errorText;
    if (reason !== "net::ERR_ABORTED") watched.faults.push(`failed: ${request.url()}: ${reason}`);
  });
  page.on("response", (response) => {
    if (response.status() >= 400) watched.faults.push(`${response.status()}: ${response.url()}`);
  });
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.origin !== base) watched.faults.push(`foreign: ${request.url()}`);
    if (url.pathname.startsWith("/api/")) watched.calls.push(url.pathname);
  });
  return watched;
}

/** A page in a browser that remembers nothing. `before` may intercept requests. */
export async function open(
  browser: Browser,
  path: string,
  options: BrowserContextOptions = {},
  before?: (page: Page) => Promise<void>,
): Promise<Watched> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, locale: "en-US", ...options });
  const watched = watch(await context.newPage());
  await before?.(watched.page);
  await watched.page.goto(base + path);
  return watched;
}

/** The same, once every panel is drawn. */
export async function drawn(browser: Browser, path: string, options: BrowserContextOptions = {}): Promise<Watched> {
  const watched = await open(browser, path, options);
  await settled(watched.page);
  return watched;
}

/** The numbers behind elements, in order: what the page shows before it formats it. */
export function values(page: Page, selector: string): Promise<string[]> {
  return page.locator(`${selector} data.value`).evaluateAll((all) => all.map((one) => one.getAttribute("value") ?? ""));
}

export function texts(page: Page, selector: string): Promise<string[]> {
  return page.locator(selector).allInnerTexts();
}

/** Answers requests in the server's place. */
export async function intercept(page: Page, path: string, answer: (route: Route) => Promise<void>): Promise<void> {
  await page.route(path, answer);
}

/** How much of the page moved by itself since it was opened: 0 is nothing, 1 all of it by its height. */
export function shift(page: Page): Promise<number> {
  return page.evaluate(
    () =>
      new Promise<number>((done) => {
        new PerformanceObserver((list) => {
          const moves = list.getEntries().map((entry) => Number(Reflect.get(entry, "value")));
          done(moves.reduce((sum, move) => sum + move, 0));
        }).observe({ type: "layout-shift", buffered: true });
        // Nothing is reported when nothing moved.
        requestAnimationFrame(() => requestAnimationFrame(() => done(0)));
      }),
  );
}
