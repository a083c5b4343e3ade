import { expect, test } from "vitest";
import { addDays, addMonths, daysIn, isDay, lastDayOf, monthStart } from "./day.ts";

test.each([
  ["2026-02-28", true],
  ["2024-02-29", true],
  ["2026-02-29", false],
  ["2026-2-1", false],
  ["", false],
  [null, false],
])("isDay(%s) is %s", (text, want) => {
  expect(isDay(text)).toBe(want);
});

test("days are added across months, years and leap days", () => {
  expect(addDays("2025-12-31", 1)).toBe("2026-01-01");
  expect(addDays("2024-03-01", -1)).toBe("2024-02-29");
  expect(addDays("2026-11-21", -89)).toBe("2026-08-24");
});

test("months are added, and the day is cut to the month's length", () => {
  expect(addMonths("2026-08-31", -6)).toBe("2026-02-28");
  expect(addMonths("2026-01-15", -1)).toBe("2025-12-15");
  expect(addMonths("2026-12-01", 1)).toBe("2027-01-01");
  expect(addMonths("2024-02-29", -12)).toBe("2023-02-28");
});

test("both ends of a range are counted", () => {
  expect(daysIn("2026-01-01", "2026-01-01")).toBe(1);
  expect(daysIn("2026-01-01", "2026-12-31")).toBe(365);
  expect(monthStart("2026-11-21")).toBe("2026-11-01");
});

test("the last day is that of the business time zone; midnight belongs to the day before", () => {
  expect(lastDayOf("2026-11-20T23:00:00.000Z", "Asia/Shanghai")).toBe("2026-11-21");
  expect(lastDayOf("2026-11-20T16:00:00.000Z", "Asia/Shanghai")).toBe("2026-11-20");
  expect(lastDayOf("2026-11-21T00:00:00.000Z", "America/New_York")).toBe("2026-11-20");
});
