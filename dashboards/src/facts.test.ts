import { expect, test } from "vitest";
import { extentOf } from "./facts.ts";

function month(name: string, leads: number, cost: number | null): Record<string, string | number | null> {
  return { "date.month": `${name}-01T00:00:00.000`, leads, cost };
}

test("the data reaches from its first month to the day it was taken", () => {
  const months = [month("2026-11", 4, 0), month("2026-01", 3, 0)];
  expect(extentOf(months, "2026-11-21")).toEqual({ from: "2026-01-01", to: "2026-11-21" });
});

test("old data ends with its own last month", () => {
  const months = [month("2017-06", 3, 0), month("2018-02", 4, 0)];
  expect(extentOf(months, "2026-11-21")).toEqual({ from: "2017-06-01", to: "2018-02-28" });
});

test("costs count without leads, in one currency or in several", () => {
  expect(extentOf([month("2021-02", 0, 12.5)], "2026-11-21")).toEqual({ from: "2021-02-01", to: "2021-02-28" });
  expect(extentOf([month("2021-02", 0, null)], "2026-11-21")).toEqual({ from: "2021-02-01", to: "2021-02-28" });
});

test("months of nothing are no data", () => {
  expect(extentOf([month("2021-02", 0, 0)], "2026-11-21")).toBeUndefined();
  expect(extentOf([], "2026-11-21")).toBeUndefined();
});
