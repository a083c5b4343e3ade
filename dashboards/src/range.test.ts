import { expect, test } from "vitest";
import { customPeriod, granularityOf, isWhole, periodBefore, periodOf } from "./range.ts";

const extent = { from: "2025-06-01", to: "2026-11-21" };

test("presets count back from the last day of the data", () => {
  expect(periodOf("30d", extent)).toEqual({ from: "2026-10-23", to: "2026-11-21" });
  expect(periodOf("90d", extent)).toEqual({ from: "2026-08-24", to: "2026-11-21" });
  expect(periodOf("6m", extent)).toEqual({ from: "2026-05-22", to: "2026-11-21" });
  expect(periodOf("year", extent)).toEqual({ from: "2026-01-01", to: "2026-11-21" });
  expect(periodOf("all", extent)).toEqual(extent);
  expect(periodOf({ from: "2026-02-01", to: "2026-02-28" }, extent)).toEqual({ from: "2026-02-01", to: "2026-02-28" });
});

test("six months before the end of August end in February", () => {
  expect(periodOf("6m", { from: "2025-01-01", to: "2026-08-31" }).from).toBe("2026-03-01");
});

test("a period is compared with as many days just before", () => {
  const period = { from: "2026-10-23", to: "2026-11-21" };
  expect(periodBefore("30d", period, extent)).toEqual({ from: "2026-09-23", to: "2026-10-22" });
});

test("this year is compared with the same days of last year", () => {
  const period = { from: "2026-01-01", to: "2026-11-21" };
  expect(periodBefore("year", period, { ...extent, from: "2024-12-01" })).toEqual({
    from: "2025-01-01",
    to: "2025-11-21",
  });
});

test("a period the data covers less than nine tenths of is none to compare with", () => {
  const period = { from: "2025-07-01", to: "2025-07-31" };
  const before = { from: "2025-05-31", to: "2025-06-30" };
  expect(periodBefore(period, period, { ...extent, from: "2025-06-03" })).toEqual(before);
  expect(periodBefore(period, period, { ...extent, from: "2025-06-04" })).toBeUndefined();
});

test("there is nothing before the first lead", () => {
  expect(periodBefore("all", extent, extent)).toBeUndefined();
  expect(periodBefore("30d", { from: "2025-06-01", to: "2025-06-30" }, extent)).toBeUndefined();
});

test("custom days are put in order, and need to exist", () => {
  expect(customPeriod("2026-03-31", "2026-03-01")).toEqual({ from: "2026-03-01", to: "2026-03-31" });
  expect(customPeriod("2026-03-01", "2026-02-30")).toBeUndefined();
  expect(customPeriod(null, "2026-02-01")).toBeUndefined();
});

test("a bucket is whole when the period holds all its days", () => {
  const period = { from: "2026-05-23", to: "2026-11-22" };
  expect(isWhole("2026-05-18", "week", period)).toBe(false);
  expect(isWhole("2026-05-25", "week", period)).toBe(true);
  expect(isWhole("2026-11-16", "week", period)).toBe(true);
  expect(isWhole("2026-11-01", "month", period)).toBe(false);
  expect(isWhole("2026-10-01", "month", period)).toBe(true);
});

test("long periods are cut into months", () => {
  expect(granularityOf({ from: "2026-01-01", to: "2026-12-31" })).toBe("week");
  expect(granularityOf({ from: "2025-01-01", to: "2026-12-31" })).toBe("month");
});
