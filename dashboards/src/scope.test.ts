import { expect, test } from "vitest";
import * as s from "./scope.ts";
import { defaultView } from "./view.ts";

const extent = { from: "2025-01-01", to: "2026-11-21" };
const scope = s.scopeOf({ ...defaultView, range: "30d" }, extent, extent.to, "");
const narrow = s.scopeOf({ ...defaultView, channels: ["social", "(none)"] }, extent, extent.to, "USD");

test("totals ask for the leads created in the period", () => {
  expect(s.leadTotals(scope, scope.period)).toEqual({
    measures: ["leads", "mqls", "sqls", "won", "lead_to_won_rate", "first_response_hours", "timeliness_24h"],
    timeDimensions: [{ dimension: "created_at", dateRange: ["2026-10-23", "2026-11-21"] }],
    filters: [],
  });
});

test("money is dated by its spending and filtered by channel and currency; leads without spend stay in", () => {
  expect(s.channelSpend(narrow)).toEqual({
    measures: ["cost", "leads", "cpl", "won", "cost_per_won", "romi"],
    dimensions: ["channel"],
    timeDimensions: [{ dimension: "date", dateRange: ["2026-05-22", "2026-11-21"] }],
    filters: [
      { member: "channel", operator: "equals", values: ["social", "(none)"] },
      { member: "currency", operator: "equals", values: ["USD", "(none)"] },
    ],
    order: { cost: "desc", leads: "desc" },
    limit: 50,
  });
});

test("leads are not filtered by the currency of the spend", () => {
  for (const query of [
    s.leadTotals(narrow, narrow.period),
    s.gradeTotals(narrow),
    s.cohortTrend(narrow),
    s.funnel(narrow),
  ]) {
    expect(query.filters).toEqual([{ member: "channel", operator: "equals", values: ["social", "(none)"] }]);
  }
});

test("a funnel has the five stages, the chosen window and a breakdown when one is named", () => {
  expect(s.funnel(scope)).toEqual({
    steps: [{ stage: "new" }, { stage: "mql" }, { stage: "sql" }, { stage: "opportunity" }, { stage: "won" }],
    window: "90d",
    order: "ordered",
    dateRange: ["2026-10-23", "2026-11-21"],
    filters: [],
  });
  expect(s.funnel(scope, "region")).toEqual({ ...s.funnel(scope), breakdown: { dimension: "region" } });
});

test("cohorts are whole months, at least twelve, none before the data", () => {
  expect(s.cohortPeriod(scope)).toEqual({ from: "2025-12-01", to: "2026-11-21" });
  expect(s.cohortPeriod(s.scopeOf({ ...defaultView, range: "all" }, extent, extent.to, ""))).toEqual(extent);
  const young = { from: "2026-06-10", to: "2026-11-21" };
  expect(s.cohortPeriod(s.scopeOf(defaultView, young, young.to, "")).from).toBe("2026-06-01");
  const long = s.scopeOf({ ...defaultView, range: { from: "1999-01-01", to: "1999-01-31" } }, extent, extent.to, "");
  expect(s.cohortPeriod(long)).toEqual({ from: "1998-02-01", to: "1999-01-31" });
});

test("a lead is immature while its window was open on the last day of the data", () => {
  expect(s.immatureFrom(scope)).toBe("2026-08-24");
  expect(s.immatureFrom({ ...scope, window: 30 })).toBe("2026-10-23");
  expect(s.immatureFrom({ ...scope, extent: { from: "2017-06-01", to: "2018-05-31" } })).toBe("2026-08-24");
});
