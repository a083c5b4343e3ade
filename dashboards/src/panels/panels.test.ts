import { expect, test } from "vitest";
import type { Answer } from "../api.ts";
import { sparkPath } from "../sparkline.ts";
import { type Column, sorted } from "../table.ts";
import { cohortsOf } from "./cohorts.ts";
import { heat } from "./compare.ts";
import { gradesOf } from "./grades.ts";
import { figures } from "./kpis.ts";
import { floorOf } from "./timeliness.ts";

test("a month is immature from the first of its days that is", () => {
  const row = (month: string, leads: number, won: number): Answer["data"][number] => ({
    "created_at.month": `${month}-01T00:00:00.000`,
    leads,
    won,
    lead_to_won_rate: won / leads,
  });
  const answer = { data: [row("2026-07", 100, 9), row("2026-08", 50, 1)], as_of: null };
  expect(cohortsOf(answer, "2026-08-24")).toEqual([
    { month: "2026-07-01", leads: 100, won: 9, rate: 0.09, immature: false },
    { month: "2026-08-01", leads: 50, won: 1, rate: 0.02, immature: true },
  ]);
  expect(cohortsOf(answer, "2026-09-01").map((cohort) => cohort.immature)).toEqual([false, false]);
  expect(cohortsOf(answer, "2026-07-31").map((cohort) => cohort.immature)).toEqual([true, true]);
});

test("grades are shares of all leads, the ungraded last, and lift is against all", () => {
  const all = gradesOf([
    { grade: "(none)", leads: 100, won: 0, lead_to_won_rate: 0 },
    { grade: "B", leads: 200, won: 50, lead_to_won_rate: 0.25 },
    { grade: "A", leads: 100, won: 50, lead_to_won_rate: 0.5 },
  ]);
  expect(all.map((grade) => [grade.name, grade.tone, grade.share, grade.lift])).toEqual([
    ["A", "a", 0.25, 2],
    ["B", "b", 0.5, 1],
    ["(none)", "none", 0.25, 0],
  ]);
});

test("grades without a win have no lift", () => {
  expect(gradesOf([{ grade: "A", leads: 5, won: 0, lead_to_won_rate: 0 }])[0]?.lift).toBeNull();
});

test.each([
  [0.5, 0.5, 100, 0],
  [0.53, 0.5, 100, 0],
  [0.55, 0.5, 100, 1],
  [0.7, 0.5, 100, 2],
  [0.9, 0.5, 100, 3],
  [0.45, 0.5, 100, -1],
  [0.35, 0.5, 100, -2],
  [0, 0.5, 100, -3],
  [0.9, 0.5, 29, 0],
  [null, 0.5, 100, 0],
  [0.1, 0, 100, 0],
])("heat of %s against %s with %s leads is %s", (rate, total, entered, want) => {
  expect(heat(rate, total, entered)).toBe(want);
});

test("where nothing was spent a lead has no cost", () => {
  const leads = { leads: 7, won: 1 };
  expect(figures({ cost: 0, cpl: 0, cost_per_won: 0, leads: 7 }, leads)).toEqual({
    cost: 0,
    cpl: null,
    cost_per_won: null,
    ...leads,
  });
  expect(figures({ cost: 14, cpl: 2, cost_per_won: 14 }, leads)).toEqual({
    cost: 14,
    cpl: 2,
    cost_per_won: 14,
    ...leads,
  });
});

test("rows without a value stand last whichever way a column is turned", () => {
  const column: Column<number | null> = { key: "n", title: "", value: (n) => n, cell: String };
  expect(sorted([3, null, 1, 2], column, true)).toEqual([1, 2, 3, null]);
  expect(sorted([3, null, 1, 2], column, false)).toEqual([3, 2, 1, null]);
});

test("a sparkline breaks where there is no value", () => {
  expect(sparkPath([0, 10, null, 5, 10])).toBe("M2.0 22.0L25.0 2.0M71.0 12.0L94.0 2.0");
  expect(sparkPath([7, 7])).toBe("M2.0 12.0L94.0 12.0");
});

test("the axis begins a round tenth below what is drawn", () => {
  expect(floorOf([0.93, 0.85, null, 0.9])).toBe(0.8);
  expect(floorOf([0.01])).toBe(0);
  expect(floorOf([null])).toBe(0.9);
});
