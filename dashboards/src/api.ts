// The one door to the server: shapes of its answers, and how its errors arrive.

import type { Day } from "./day.ts";
import type { Value } from "./format.ts";

export interface Title {
  zh: string;
  en: string;
}

export interface Measure {
  name: string;
  title: Title;
  description?: Title;
  unit: string;
  target?: number | null;
}

export interface Meta {
  timezone: string;
  /** Null before the first run of the jobs. */
  as_of: string | null;
  measures: Measure[];
  dimensions: { name: string; title: Title }[];
}

export interface Filter {
  member: string;
  operator: "equals";
  values: string[];
}

export interface Query {
  measures: string[];
  dimensions?: string[];
  timeDimensions?: { dimension: string; granularity?: "week" | "month"; dateRange?: [Day, Day] }[];
  filters?: Filter[];
  order?: Record<string, "asc" | "desc">;
  limit?: number;
}

/** One row of an answer: dimensions are text, measures are numbers or null. */
export type Row = Record<string, string | number | null>;

export interface Answer {
  data: Row[];
  as_of: string | null;
  /** What could be misread, in English. */
  warnings?: string[];
}

export interface FunnelQuery {
  steps: { stage: string }[];
  window: string;
  order: "ordered";
  breakdown?: { dimension: string };
  dateRange?: [Day, Day];
  filters?: Filter[];
}

export interface FunnelStep {
  step: { stage: string };
  title: Title;
  entered: number;
  converted: number;
  rate_from_previous: Value;
  rate_from_start: Value;
  median_seconds: Value;
  mean_seconds: Value;
}

export interface FunnelGroup {
  value: string;
  /** Leads with the value, without any, or with one of the rarer values. */
  kind: "value" | "none" | "other";
  steps: FunnelStep[];
}

export interface FunnelAnswer {
  steps: FunnelStep[];
  groups?: FunnelGroup[];
  as_of: string | null;
  window_complete: boolean;
  entrants_still_open: number;
  out_of_order: number;
  warnings?: string[];
}

/** A problem the server named (application/problem+json), or that kept it from answering. */
export class Problem extends Error {
  constructor(
    /** HTTP status; 0 when there was no answer. */
    readonly status: number,
    /** The server's stable code; "unreachable" when there was no answer. */
    readonly code: string,
    detail: string,
    /** What to do about it; may be empty. */
    readonly hint: string,
  ) {
    super(detail);
  }
}

async function problemOf(response: Response): Promise<Problem> {
  const text = await response.text();
  try {
    const p = JSON.parse(text) as { code?: string; detail?: string; title?: string; hint?: string };
    return new Problem(response.status, p.code ?? "", p.detail ?? p.title ?? "", p.hint ?? "");
  } catch {
    return new Problem(response.status, "", text.slice(0, 300) || response.statusText, "");
  }
}

async function call<T>(path: string, body?: unknown): Promise<T> {
  const request: RequestInit =
    body === undefined
      ? {}
      : { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  let response: Response;
  try {
    response = await fetch(`/api/v1/${path}`, request);
  } catch (cause) {
    throw new Problem(0, "unreachable", String(cause), "");
  }
  if (!response.ok) throw await problemOf(response);
  return (await response.json()) as T;
}

export interface Client {
  meta(): Promise<Meta>;
  query(query: Query): Promise<Answer>;
  funnel(query: FunnelQuery): Promise<FunnelAnswer>;
}

/** A client that asks each question once; drop it to ask again. A question that failed is asked again. */
export function newClient(): Client {
  const asked = new Map<string, Promise<unknown>>();
  function once<T>(path: string, body?: unknown): Promise<T> {
    const key = path + JSON.stringify(body);
    const known = asked.get(key);
    if (known) return known as Promise<T>;
    const answer = call<T>(path, body);
    asked.set(key, answer);
    answer.catch(() => asked.delete(key));
    return answer;
  }
  return {
    meta: () => once("meta"),
    query: (query) => once("query", query),
    funnel: (query) => once("funnels/query", query),
  };
}

/** The number a measure has in a row; undefined or text counts as none. */
export function num(row: Row | undefined, measure: string): number | null {
  const value = row?.[measure];
  return typeof value === "number" ? value : null;
}

export function str(row: Row, dimension: string): string {
  return String(row[dimension] ?? "");
}

/** The first day of a row's bucket. */
export function bucketOf(row: Row, dimension: string, granularity: string): Day {
  return str(row, `${dimension}.${granularity}`).slice(0, 10);
}
