// Writes a picture of the page for the README: npm run picture -- ../docs/overview.png [zh|en]

import { statSync } from "node:fs";
import process from "node:process";
import { findBrowser, launch, settled } from "./browser.mjs";

const maxBytes = 300 * 1024;

const [file, lang = "en"] = process.argv.slice(2);
const url = process.env["CLEW_URL"];
const found = findBrowser();
if (!file || !url || !found) {
  console.error(
    "usage: CLEW_URL=http://127.0.0.1:8080 npm run picture -- FILE.png [zh|en]; needs Chromium, or CHROMIUM",
  );
  process.exit(2);
}
const browser = await launch(found);
try {
  // The whole page as a wide screen lays it out, at a scale that keeps the file small.
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 }, deviceScaleFactor: 0.8 });
  await page.goto(`${url.replace(/\/$/, "")}/?lang=${lang}`);
  await settled(page);
  await page.screenshot({ path: file, fullPage: true });
} finally {
  await browser.close();
}
const { size } = statSync(file);
console.log(`${file}: ${Math.round(size / 1024)} KB`);
if (size > maxBytes) {
  console.error(`${file} is larger than ${maxBytes / 1024} KB`);
  process.exit(1);
}
