// Calendar days. All maths is on days of the business time zone, never on the browser's clock.

/** A calendar day of the business time zone, YYYY-MM-DD. */
export type Day = string;

const msPerDay = 86_400_000;

function toUTC(day: Day): number {
  return Date.parse(`${day}T00:00:00Z`);
}

function fromUTC(ms: number): Day {
  return new Date(ms).toISOString().slice(0, 10);
}

/** Whether the text is an existing day, written YYYY-MM-DD. */
export function isDay(text: string | null | undefined): text is Day {
  if (!text || !/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const ms = toUTC(text);
  return !Number.isNaN(ms) && fromUTC(ms) === text;
}

export function addDays(day: Day, days: number): Day {
  return fromUTC(toUTC(day) + days * msPerDay);
}

/** The same day so many months later; the month's last day when it is shorter. */
export function addMonths(day: Day, months: number): Day {
  const [year, month, date] = day.split("-").map(Number) as [number, number, number];
  const length = new Date(Date.UTC(year, month + months, 0)).getUTCDate();
  return fromUTC(Date.UTC(year, month - 1 + months, Math.min(date, length)));
}

export function monthStart(day: Day): Day {
  return `${day.slice(0, 7)}-01`;
}

/** Days from the first to the last, both counted. */
export function daysIn(from: Day, to: Day): number {
  return Math.round((toUTC(to) - toUTC(from)) / msPerDay) + 1;
}

/** The last day of which data as of this instant holds anything; midnight belongs to the day that just ended. */
export function lastDayOf(instant: string, timezone: string): Day {
  const parts = new Intl.DateTimeFormat("en-CA", {
    timeZone: timezone,
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
  });
  return parts.format(Date.parse(instant) - 1);
}
