// What the page knows before it draws: the catalogue, the days, the channels and the currencies there are.

import { bucketOf, type Client, type Meta, num, type Row, str } from "./api.ts";
import { addDays, addMonths, type Day, lastDayOf } from "./day.ts";
import type { Extent } from "./range.ts";
import { channelsQuery, currenciesQuery, extentQuery, spendDate } from "./scope.ts";

export interface Facts {
  meta: Meta;
  /** The moment the data was taken. */
  asOf: string;
  /** The last day it holds anything of. */
  asOfDay: Day;
  extent: Extent;
  /** Those with most leads first. */
  channels: string[];
  /** Of costs; the one most was spent in first. */
  currencies: string[];
}

/** Undefined when the warehouse holds neither leads nor costs yet, or no job has run. */
export async function loadFacts(client: Client): Promise<Facts | undefined> {
  const [meta, months, channels, currencies] = await Promise.all([
    client.meta(),
    client.query(extentQuery()),
    client.query(channelsQuery()),
    client.query(currenciesQuery()),
  ]);
  if (!meta.as_of) return undefined;
  const asOfDay = lastDayOf(meta.as_of, meta.timezone);
  const extent = extentOf(months.data, asOfDay);
  if (!extent) return undefined;
  return {
    meta,
    asOf: meta.as_of,
    asOfDay,
    extent,
    channels: channels.data.map((row) => str(row, "channel")),
    currencies: currencies.data
      .filter((row) => num(row, "cost"))
      .map((row) => str(row, "currency"))
      .filter(isCurrency),
  };
}

/** A cost may come without one: that is no currency to choose. */
function isCurrency(code: string): boolean {
  return /^[A-Z]{3}$/.test(code);
}

/** From the first month that holds anything to the end of the last, or to the day the data was taken. */
export function extentOf(months: Row[], asOfDay: Day): Extent | undefined {
  const held = months.filter((row) => num(row, "leads") || row["cost"] !== 0);
  const days = held.map((row) => bucketOf(row, spendDate, "month")).sort();
  const [from, last] = [days[0], days.at(-1)];
  if (!from || !last || from > asOfDay) return undefined;
  const end = addDays(addMonths(last, 1), -1);
  return { from, to: end < asOfDay ? end : asOfDay };
}
