// The browser that looks at the page: Debian's Chromium, or the one CHROMIUM names.

import { existsSync } from "node:fs";
import process from "node:process";
import { chromium } from "playwright-core";

const flags = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const places = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** The browser's path; undefined when there is none. @returns {string | undefined} */
export function findBrowser() {
  return [process.env["CHROMIUM"] ?? "", ...(process.env["CHROMIUM"] ? [] : places)].find(
    (path) => path && existsSync(path),
  );
}

/** Starts the browser with a fresh profile, gone when it closes. @param {string} path */
export function launch(path) {
  return chromium.launch({ executablePath: path, args: flags });
}

/** Waits until every panel shows what it has to show. @param {import("playwright-core").Page} page */
export async function settled(page) {
  await page.waitForFunction(() => {
    const panels = [...document.querySelectorAll(".panel")];
    return (
      panels.length > 0 && panels.every((panel) => panel.querySelector(".body")?.getAttribute("aria-busy") === "false")
    );
  });
  // Charts draw once they have a size, which is after the frame that placed them.
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
}
