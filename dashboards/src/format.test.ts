import { expect, test } from "vitest";
import * as f from "./format.ts";

const zh: f.Locale = { lang: "zh", currency: "CNY" };
const en: f.Locale = { lang: "en", currency: "USD" };

test("a value that does not exist is a dash in every unit", () => {
  for (const unit of ["count", "ratio", "money", "hours", "days", "points", "something new"]) {
    expect(f.format(null, unit, zh)).toBe("—");
    expect(f.format(undefined, unit, zh)).toBe("—");
    expect(f.format(Number.NaN, unit, zh)).toBe("—");
  }
});

test("nothing is not a dash", () => {
  expect(f.format(0, "count", zh)).toBe("0");
  expect(f.format(0, "ratio", zh)).toBe("0.0%");
  expect(f.format(0, "money", zh)).toBe("¥0");
});

test("counts and ratios", () => {
  expect(f.count(1234567, zh)).toBe("1,234,567");
  expect(f.percent(0.1236, en)).toBe("12.4%");
  expect(f.percent(0.9, en, 0)).toBe("90%");
});

test("money is in the currency of the data, with hundredths below one thousand", () => {
  expect(f.money(342.741, zh)).toBe("¥342.74");
  expect(f.money(30590879.82, zh)).toBe("¥30,590,880");
  expect(f.money(-1500, en)).toBe("-$1,500");
  expect(f.money(12.5, { lang: "en", currency: "" })).toBe("12.50");
});

test("lengths of time take the unit that keeps them readable", () => {
  expect(f.hours(0.8, en)).toBe("48 min");
  expect(f.hours(5.23, en)).toBe("5.2 hr");
  expect(f.hours(5.23, zh)).toBe("5.2小时");
  expect(f.hours(72, en)).toBe("3 days");
  expect(f.seconds(3600 * 24 * 14.65, zh)).toBe("14.7天");
  expect(f.seconds(null, zh)).toBe("—");
});

test("a change is a share, and for ratios a difference", () => {
  expect(f.change(110, 100, "count")).toBeCloseTo(0.1);
  expect(f.change(0.1, 0.08, "ratio")).toBeCloseTo(0.02);
  expect(f.change(5, 0, "count")).toBeUndefined();
  expect(f.change(null, 3, "count")).toBeUndefined();
  expect(f.change(3, undefined, "ratio")).toBeUndefined();
  expect(f.moveText(-0.1234, "count", en)).toBe("12.3%");
  expect(f.moveText(0.0123, "ratio", en)).toBe("1.2 pt");
  expect(f.moveText(0.0123, "ratio", zh)).toBe("1.2 个百分点");
});

test("days and months are written in the reader's language", () => {
  expect(f.dayText("2026-11-21", "zh")).toBe("2026年11月21日");
  expect(f.dayText("2026-11-21", "en")).toBe("Nov 21, 2026");
  expect(f.shortDay("2026-11-02", "zh")).toBe("11/2");
  expect(f.shortMonth("2026-01-01", "en", false)).toBe("Jan\n2026");
  expect(f.shortMonth("2026-02-01", "zh", false)).toBe("2月");
  expect(f.shortMonth("2026-02-01", "zh", true)).toBe("2月\n2026");
});

test("a moment is told in the business time zone", () => {
  expect(f.momentText("2026-11-20T23:30:00.000Z", "en", "Asia/Shanghai")).toMatch(/^Nov 21, 2026, 7:30\sAM$/);
});
