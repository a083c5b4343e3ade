// Date ranges: the presets of the page, and the period each is compared with.

import { addDays, addMonths, type Day, daysIn, isDay } from "./day.ts";

export const presets = ["30d", "90d", "6m", "year", "all"] as const;
export type Preset = (typeof presets)[number];

/** Days from first to last, both inclusive. */
export interface Period {
  from: Day;
  to: Day;
}

/** What the reader chose: a preset, which moves with the data, or two fixed days. */
export type Choice = Preset | Period;

/** The days of which the warehouse holds leads or costs: whole months, but for the day the data was taken. */
export type Extent = Period;

/** The days a choice stands for. Presets count back from the last day of the data. */
export function periodOf(choice: Choice, extent: Extent): Period {
  if (typeof choice !== "string") return choice;
  const to = extent.to;
  switch (choice) {
    case "30d":
      return { from: addDays(to, -29), to };
    case "90d":
      return { from: addDays(to, -89), to };
    case "6m":
      return { from: addDays(addMonths(to, -6), 1), to };
    case "year":
      return { from: `${to.slice(0, 4)}-01-01`, to };
    case "all":
      return extent;
  }
}

/** A period of which the data covers less is no measure for another. */
const enough = 0.9;

/**
 * The period to compare with: the same days of last year for "year", else as many days just before. Undefined where
 * the data does not reach back far enough.
 */
export function periodBefore(choice: Choice, period: Period, extent: Extent): Period | undefined {
  const before =
    choice === "year"
      ? { from: addMonths(period.from, -12), to: addMonths(period.to, -12) }
      : { from: addDays(period.from, -daysIn(period.from, period.to)), to: addDays(period.from, -1) };
  const covered =
    before.to < extent.from ? 0 : daysIn(before.from < extent.from ? extent.from : before.from, before.to);
  return covered < enough * daysIn(before.from, before.to) ? undefined : before;
}

/** Whether a bucket that begins on this day lies in the period with all its days. */
export function isWhole(bucket: Day, granularity: "week" | "month", { from, to }: Period): boolean {
  const next = granularity === "week" ? addDays(bucket, 7) : addMonths(bucket, 1);
  return bucket >= from && next <= addDays(to, 1);
}

/** Two days in the right order; undefined unless both exist. */
export function customPeriod(from: string | null, to: string | null): Period | undefined {
  if (!isDay(from) || !isDay(to)) return undefined;
  return from <= to ? { from, to } : { from: to, to: from };
}

/** Buckets wide enough to stay readable: weeks up to 14 months, else months. */
export function granularityOf(period: Period): "week" | "month" {
  return daysIn(period.from, period.to) <= 430 ? "week" : "month";
}
