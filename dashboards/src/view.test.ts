import { expect, test } from "vitest";
import { chooseLang, defaultView, parseView, type View, viewSearch } from "./view.ts";

test("the default view needs no query", () => {
  expect(viewSearch(defaultView)).toBe("");
  expect(parseView("")).toEqual(defaultView);
});

test.each<Partial<View>>([
  { range: "30d" },
  { range: { from: "2026-01-01", to: "2026-03-31" } },
  { channels: ["social", "搜索,&=广告", "(none)"] },
  { window: 180, people: "owner", comparison: "region", currency: "USD" },
])("a view survives the URL: %j", (change) => {
  const view = { ...defaultView, ...change };
  expect(parseView(viewSearch(view))).toEqual(view);
});

test("what is not understood gives way to the default", () => {
  expect(parseView("?range=9d&window=7d&by=boss&compare=shoe&currency=dollar&from=2026-01-01")).toEqual(defaultView);
});

test("a channel counts once", () => {
  expect(parseView("?channel=social&channel=social").channels).toEqual(["social"]);
});

test("the language: the URL, then the memory, then the browser", () => {
  expect(chooseLang("?lang=en", "zh", "zh-CN")).toBe("en");
  expect(chooseLang("?lang=fr", "en", "zh-CN")).toBe("en");
  expect(chooseLang("", null, "zh-TW")).toBe("zh");
  expect(chooseLang("", "klingon", "de-DE")).toBe("en");
});
