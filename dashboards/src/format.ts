// Numbers and dates as text. Every function answers "—" for a value that does not exist.

import type { Day } from "./day.ts";
import type { Period } from "./range.ts";
import type { Lang } from "./view.ts";

/** How a reader reads: the language, and the currency of the money shown (ISO 4217; empty: none known). */
export interface Locale {
  lang: Lang;
  currency: string;
}

export type Unit = "count" | "ratio" | "money" | "hours" | "days" | "points";

export type Value = number | null | undefined;

export const missing = "—";

const tags: Record<Lang, string> = { zh: "zh-CN", en: "en-US" };

const formats = new Map<string, Intl.NumberFormat>();

function numberFormat(lang: Lang, options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const key = lang + JSON.stringify(options);
  let format = formats.get(key);
  if (!format) formats.set(key, (format = new Intl.NumberFormat(tags[lang], options)));
  return format;
}

function write(value: Value, lang: Lang, options: Intl.NumberFormatOptions): string {
  return value == null || !Number.isFinite(value) ? missing : numberFormat(lang, options).format(value);
}

export function count(value: Value, { lang }: Locale): string {
  return write(value, lang, { maximumFractionDigits: 0 });
}

/** A ratio of 0.123 as 12.3 %. */
export function percent(value: Value, { lang }: Locale, digits = 1): string {
  return write(value, lang, { style: "percent", minimumFractionDigits: digits, maximumFractionDigits: digits });
}

function currencyOptions(currency: string): Intl.NumberFormatOptions {
  return /^[A-Z]{3}$/.test(currency) ? { style: "currency", currency, currencyDisplay: "narrowSymbol" } : {};
}

/** Whole units from one thousand on, hundredths below; nothing is a plain 0. */
export function money(value: Value, { lang, currency }: Locale): string {
  const digits = !value || Math.abs(value) >= 1000 ? 0 : 2;
  return write(value, lang, {
    ...currencyOptions(currency),
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}

/** A length of time in the largest unit that keeps it readable: minutes, hours, from two days on days. */
export function hours(value: Value, { lang }: Locale): string {
  if (value == null) return missing;
  const size = Math.abs(value);
  if (size > 0 && size < 1) return inUnit(value * 60, "minute", lang, 0);
  return size < 48 ? inUnit(value, "hour", lang, 1) : inUnit(value / 24, "day", lang, 1);
}

export function seconds(value: Value, locale: Locale): string {
  return hours(value == null ? value : value / 3600, locale);
}

function days(value: Value, { lang }: Locale): string {
  return inUnit(value, "day", lang, 1);
}

function inUnit(value: Value, unit: string, lang: Lang, digits: number): string {
  return write(value, lang, { style: "unit", unit, unitDisplay: "short", maximumFractionDigits: digits });
}

function points(value: Value, { lang }: Locale): string {
  return write(value, lang, { maximumFractionDigits: 1 });
}

const byUnit: Record<Unit, (value: Value, locale: Locale) => string> = {
  count,
  ratio: percent,
  money,
  hours,
  days,
  points,
};

/** The value in the unit the API names; a unit not known here is written as a plain number. */
export function format(value: Value, unit: string, locale: Locale): string {
  return (byUnit[unit as Unit] ?? points)(value, locale);
}

/** Short, for axes: 12K, 1.2万. */
export function compact(value: Value, { lang }: Locale): string {
  return write(value, lang, { notation: "compact", maximumFractionDigits: 1 });
}

/** How far a value moved: points between ratios (0.02 = 2 points), else the share of what it was. */
export function change(now: Value, before: Value, unit: string): number | undefined {
  if (now == null || before == null) return undefined;
  if (unit === "ratio") return now - before;
  return before === 0 ? undefined : (now - before) / Math.abs(before);
}

/** The size of a change, for an arrow to stand before it: 12.3 %, and for ratios 1.2 pt. */
export function moveText(moved: number, unit: string, locale: Locale): string {
  const size = Math.abs(moved);
  if (unit !== "ratio") return percent(size, locale);
  const points = write(size * 100, locale.lang, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
  return `${points} ${locale.lang === "zh" ? "个百分点" : "pt"}`;
}

function dateText(day: Day, lang: Lang, options: Intl.DateTimeFormatOptions): string {
  return new Intl.DateTimeFormat(tags[lang], { ...options, timeZone: "UTC" }).format(Date.parse(`${day}T00:00:00Z`));
}

export function dayText(day: Day, lang: Lang): string {
  return dateText(day, lang, { year: "numeric", month: "short", day: "numeric" });
}

/** Without the year, for axes. */
export function shortDay(day: Day, lang: Lang): string {
  return dateText(day, lang, { month: lang === "zh" ? "numeric" : "short", day: "numeric" });
}

export function monthText(day: Day, lang: Lang): string {
  return dateText(day, lang, { year: "numeric", month: "short" });
}

/** For axes: the month, and the year under January and under the first. */
export function shortMonth(day: Day, lang: Lang, withYear: boolean): string {
  const month = dateText(day, lang, { month: "short" });
  return withYear || day.slice(5, 7) === "01" ? `${month}\n${day.slice(0, 4)}` : month;
}

export function periodText({ from, to }: Period, lang: Lang): string {
  return `${dayText(from, lang)} – ${dayText(to, lang)}`;
}

/** A moment in the business time zone. */
export function momentText(instant: string, lang: Lang, timezone: string): string {
  return new Intl.DateTimeFormat(tags[lang], { dateStyle: "medium", timeStyle: "short", timeZone: timezone }).format(
    Date.parse(instant),
  );
}
