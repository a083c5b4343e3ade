// What the page asks the server: the view made concrete, and the requests built from it.

import type { Filter, FunnelQuery, Query } from "./api.ts";
import { addDays, addMonths, type Day, monthStart } from "./day.ts";
import { type Extent, granularityOf, type Period, periodBefore, periodOf } from "./range.ts";
import type { Comparison, View } from "./view.ts";

/** A view with its days and its currency worked out. Requests depend on nothing else. */
export interface Scope extends View {
  period: Period;
  /** Undefined when there is nothing before. */
  before: Period | undefined;
  extent: Extent;
  /** The day the data was taken. */
  asOf: Day;
}

export function scopeOf(view: View, extent: Extent, asOf: Day, currency: string): Scope {
  const period = periodOf(view.range, extent);
  return { ...view, currency, period, before: periodBefore(view.range, period, extent), extent, asOf };
}

/** From this day on a cohort is immature: its window was still open when the data was taken. */
export function immatureFrom({ asOf, window }: Scope): Day {
  return addDays(asOf, 1 - window);
}

/** The stages of the funnel, in order. */
export const stages = ["new", "mql", "sql", "opportunity", "won"] as const;

/** Leads are dated by their creation, money by the day it was spent. */
export const leadDate = "created_at";
export const spendDate = "date";

const leadMeasures = ["leads", "mqls", "sqls", "won", "lead_to_won_rate", "first_response_hours", "timeliness_24h"];
const spendMeasures = ["cost", "leads", "cpl", "won", "cost_per_won", "romi"];

function within(dimension: string, { from, to }: Period): NonNullable<Query["timeDimensions"]>[number] {
  return { dimension, dateRange: [from, to] };
}

function channelFilter(scope: Scope): Filter[] {
  return scope.channels.length ? [{ member: "channel", operator: "equals", values: scope.channels }] : [];
}

/** Leads without spend stand in rows of no currency: they belong to the cost of a lead too. */
function moneyFilters(scope: Scope): Filter[] {
  const filters = channelFilter(scope);
  if (scope.currency) filters.push({ member: "currency", operator: "equals", values: [scope.currency, "(none)"] });
  return filters;
}

/** Which months hold leads or costs. */
export function extentQuery(): Query {
  return { measures: ["leads", "cost"], timeDimensions: [{ dimension: spendDate, granularity: "month" }] };
}

export function channelsQuery(): Query {
  return { measures: ["leads", "cost"], dimensions: ["channel"], order: { leads: "desc" }, limit: 200 };
}

export function currenciesQuery(): Query {
  return { measures: ["cost"], dimensions: ["currency"], order: { cost: "desc" } };
}

export function leadTotals(scope: Scope, period: Period): Query {
  return { measures: leadMeasures, timeDimensions: [within(leadDate, period)], filters: channelFilter(scope) };
}

export function spendTotals(scope: Scope, period: Period): Query {
  return { measures: spendMeasures, timeDimensions: [within(spendDate, period)], filters: moneyFilters(scope) };
}

export function leadTrend(scope: Scope): Query {
  const granularity = granularityOf(scope.period);
  return {
    measures: ["leads", "first_response_hours", "timeliness_24h"],
    timeDimensions: [{ ...within(leadDate, scope.period), granularity }],
    filters: channelFilter(scope),
  };
}

export function spendTrend(scope: Scope): Query {
  const granularity = granularityOf(scope.period);
  return {
    measures: ["cost", "cpl"],
    timeDimensions: [{ ...within(spendDate, scope.period), granularity }],
    filters: moneyFilters(scope),
  };
}

export function channelSpend(scope: Scope): Query {
  return {
    measures: spendMeasures,
    dimensions: ["channel"],
    timeDimensions: [within(spendDate, scope.period)],
    filters: moneyFilters(scope),
    order: { cost: "desc", leads: "desc" },
    limit: 50,
  };
}

export function timelinessByPeople(scope: Scope): Query {
  return {
    measures: ["leads", "timeliness_24h", "first_response_hours"],
    dimensions: [scope.people],
    timeDimensions: [within(leadDate, scope.period)],
    filters: channelFilter(scope),
    order: { leads: "desc" },
    limit: 50,
  };
}

export function gradeTotals(scope: Scope): Query {
  return {
    measures: ["leads", "won", "lead_to_won_rate", "avg_score"],
    dimensions: ["grade"],
    timeDimensions: [within(leadDate, scope.period)],
    filters: channelFilter(scope),
    order: { grade: "asc" },
  };
}

/** Whole months: those of the period, and at least the twelve up to its end. */
export function cohortPeriod(scope: Scope): Period {
  const year = addMonths(monthStart(scope.period.to), -11);
  const from = monthStart(scope.period.from < year ? scope.period.from : year);
  const first = monthStart(scope.extent.from);
  return { from: from < first && first <= scope.period.to ? first : from, to: scope.period.to };
}

export function cohortTrend(scope: Scope): Query {
  return {
    measures: ["leads", "won", "lead_to_won_rate"],
    timeDimensions: [{ ...within(leadDate, cohortPeriod(scope)), granularity: "month" }],
    filters: channelFilter(scope),
  };
}

/** The funnel of the leads created in the period; split by a dimension when one is named. */
export function funnel(scope: Scope, dimension?: Comparison): FunnelQuery {
  return {
    steps: stages.map((stage) => ({ stage })),
    window: `${scope.window}d`,
    order: "ordered",
    dateRange: [scope.period.from, scope.period.to],
    filters: channelFilter(scope),
    ...(dimension ? { breakdown: { dimension } } : {}),
  };
}
