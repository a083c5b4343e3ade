// The view: everything the reader chose, kept in the URL so that it can be shared.

import { type Choice, customPeriod, type Preset, presets } from "./range.ts";

const langs = ["zh", "en"] as const;
export type Lang = (typeof langs)[number];

/** Days within which a lead may convert; a younger cohort is marked as immature. */
export const windows = [30, 90, 180] as const;
export type Window = (typeof windows)[number];

export const people = ["team", "owner"] as const;
export type People = (typeof people)[number];

export const comparisons = ["channel", "region", "industry", "product", "team", "owner", "grade"] as const;
export type Comparison = (typeof comparisons)[number];

export interface View {
  range: Choice;
  /** Empty: every channel. */
  channels: string[];
  window: Window;
  /** By whom timeliness is split. */
  people: People;
  /** By what the funnel is split. */
  comparison: Comparison;
  /** Of the money shown; empty: the one most was spent in. */
  currency: string;
}

export const defaultView: View = {
  range: "6m",
  channels: [],
  window: 90,
  people: "team",
  comparison: "channel",
  currency: "",
};

function oneOf<T extends string>(all: readonly T[], text: string | null, fallback: T): T {
  return all.find((one) => one === text) ?? fallback;
}

/** Reads the view from the URL's query. What it does not understand gives way to the default. */
export function parseView(search: string): View {
  const q = new URLSearchParams(search);
  const preset = oneOf<Preset>(presets, q.get("range"), defaultView.range as Preset);
  return {
    range: customPeriod(q.get("from"), q.get("to")) ?? preset,
    channels: [...new Set(q.getAll("channel"))],
    window: windows.find((w) => `${w}d` === q.get("window")) ?? defaultView.window,
    people: oneOf(people, q.get("by"), defaultView.people),
    comparison: oneOf(comparisons, q.get("compare"), defaultView.comparison),
    currency: /^[A-Z]{3}$/.test(q.get("currency") ?? "") ? (q.get("currency") as string) : "",
  };
}

/** The URL's query for a view, defaults left out; parseView reads it back. */
export function viewSearch(view: View): string {
  const q = new URLSearchParams();
  if (typeof view.range !== "string") {
    q.set("from", view.range.from);
    q.set("to", view.range.to);
  } else if (view.range !== defaultView.range) {
    q.set("range", view.range);
  }
  for (const channel of view.channels) q.append("channel", channel);
  if (view.window !== defaultView.window) q.set("window", `${view.window}d`);
  if (view.people !== defaultView.people) q.set("by", view.people);
  if (view.comparison !== defaultView.comparison) q.set("compare", view.comparison);
  if (view.currency) q.set("currency", view.currency);
  const text = q.toString();
  return text ? `?${text}` : "";
}

/** The language: as the URL says, else as remembered, else as the browser prefers. */
export function chooseLang(search: string, remembered: string | null, browser: string): Lang {
  const asked = new URLSearchParams(search).get("lang");
  return (
    langs.find((l) => l === asked) ?? langs.find((l) => l === remembered) ?? (/^zh\b/i.test(browser) ? "zh" : "en")
  );
}
