// Monthly cohorts: leads by the month of their creation, how many were won, and which months are still immature.

import { type Answer, bucketOf, num } from "../api.ts";
import { axisText, chart, colours, type Colours, type Option, tooltip, tooltipBody } from "../chart.ts";
import { addDays, addMonths, type Day } from "../day.ts";
import { h } from "../dom.ts";
import { compact, count, monthText, percent, shortMonth, type Value } from "../format.ts";
import { type Context, type Panel, targetOf, warnings } from "../panel.ts";
import { cohortTrend, immatureFrom, leadDate } from "../scope.ts";
import { plainTable } from "../table.ts";

interface Cohort {
  month: Day;
  leads: number;
  won: number;
  rate: Value;
  /** Some of its leads may still convert in time. */
  immature: boolean;
}

/** The answer's months; a month is immature when its last day is. */
export function cohortsOf(answer: Answer, openFrom: Day): Cohort[] {
  return answer.data.map((row) => {
    const month = bucketOf(row, leadDate, "month");
    return {
      month,
      leads: num(row, "leads") ?? 0,
      won: num(row, "won") ?? 0,
      rate: num(row, "lead_to_won_rate"),
      immature: addDays(addMonths(month, 1), -1) >= openFrom,
    };
  });
}

function hover(c: Context, cohort: Cohort | undefined): HTMLElement {
  if (!cohort) return tooltipBody("", []);
  const text = c.text.cohorts;
  const rows = [
    [text.rate, percent(cohort.rate, c.locale)],
    [text.leads, count(cohort.leads, c.locale)],
    [text.won, count(cohort.won, c.locale)],
  ] as const;
  return tooltipBody(monthText(cohort.month, c.lang), [...rows], cohort.immature ? c.text.immature : "");
}

function grids(c: Context, all: Cohort[], colour: Colours): Pick<Option, "grid" | "xAxis" | "yAxis"> {
  const months = all.map((cohort) => cohort.month);
  const label = axisText(colour);
  const months1 = {
    type: "category" as const,
    data: months,
    axisTick: { show: false },
    axisLine: { lineStyle: { color: colour.line } },
  };
  const values = { type: "value" as const, splitNumber: 2, splitLine: { lineStyle: { color: colour.line } } };
  return {
    grid: [
      { left: 44, right: 64, top: 14, height: 120 },
      { left: 44, right: 64, top: 158, bottom: 38 },
    ],
    xAxis: [
      { ...months1, gridIndex: 0, axisLabel: { show: false } },
      {
        ...months1,
        gridIndex: 1,
        axisLabel: {
          ...label,
          hideOverlap: true,
          formatter: (day: string, i: number) => shortMonth(day, c.lang, i === 0),
        },
      },
    ],
    yAxis: [
      { ...values, gridIndex: 0, min: 0, axisLabel: { ...label, formatter: (v: number) => percent(v, c.locale, 0) } },
      { ...values, gridIndex: 1, axisLabel: { ...label, formatter: (v: number) => compact(v, c.locale) } },
    ],
  };
}

/** One series for the mature part of the line and a dashed one for the rest, joined at the last mature month. */
function rateSeries(c: Context, all: Cohort[], colour: Colours): NonNullable<Option["series"]> & unknown[] {
  const first = all.findIndex((cohort) => cohort.immature);
  const cut = first < 0 ? all.length : first;
  const line = { type: "line" as const, symbol: "circle", symbolSize: 5, itemStyle: { color: colour.accent } };
  const target = targetOf(c.meta, "lead_to_won_rate");
  const young = first < 0 ? [] : [[{ xAxis: first, name: c.text.immature }, { xAxis: all.length - 1 }]];
  return [
    {
      ...line,
      data: all.map((cohort, i) => (i < cut ? (cohort.rate ?? null) : null)),
      lineStyle: { width: 2, color: colour.accent },
      ...(target === undefined ? {} : { markLine: targetLine(c, target, colour) }),
      markArea: {
        silent: true,
        data: young as never,
        itemStyle: { color: colour.soft },
        label: { ...axisText(colour), position: "insideTop" },
      },
    },
    {
      ...line,
      data: all.map((cohort, i) => (i >= cut - 1 ? (cohort.rate ?? null) : null)),
      lineStyle: { width: 2, color: colour.accent, type: "dashed" },
      itemStyle: { color: colour.surface, borderColor: colour.accent, borderWidth: 1.5 },
    },
  ];
}

/** The dashed line of a target, labelled at its end, outside of the curve's room. */
export function targetLine(c: Context, target: number, colour: Colours): object {
  return {
    silent: true,
    symbol: "none",
    data: [{ yAxis: target }],
    lineStyle: { color: colour.target, type: "dashed", width: 1 },
    label: {
      position: "end",
      color: colour.target,
      fontFamily: colour.font,
      fontSize: 11,
      formatter: `${c.text.target} ${percent(target, c.locale, 0)}`,
    },
  };
}

function barSeries(all: Cohort[], colour: Colours): NonNullable<Option["series"]> & unknown[] {
  const bars = { type: "bar" as const, xAxisIndex: 1, yAxisIndex: 1, barGap: "-100%", barMaxWidth: 28 };
  const data = (value: (cohort: Cohort) => number): object[] =>
    all.map((cohort) => ({ value: value(cohort), itemStyle: { opacity: cohort.immature ? 0.5 : 1 } }));
  return [
    { ...bars, data: data((cohort) => cohort.leads), itemStyle: { color: colour.second, borderRadius: [2, 2, 0, 0] } },
    { ...bars, data: data((cohort) => cohort.won), itemStyle: { color: colour.accent } },
  ];
}

function cohortOption(c: Context, all: Cohort[], colour: Colours): Option {
  return {
    ...grids(c, all, colour),
    axisPointer: { link: [{ xAxisIndex: "all" }] },
    tooltip: tooltip(colour, (i) => hover(c, all[i])),
    series: [...rateSeries(c, all, colour), ...barSeries(all, colour)],
  } as Option;
}

function legend(c: Context): HTMLElement {
  const text = c.text.cohorts;
  const key = (kind: string, name: string): HTMLElement => h("span", { class: "key" }, h("i", { class: kind }), name);
  return h(
    "p",
    { class: "legend" },
    key("line", text.rate),
    key("pale", text.leads),
    key("full", text.won),
    key("dashed", c.text.immature),
  );
}

function table(c: Context, all: Cohort[]): HTMLElement {
  const text = c.text.cohorts;
  const rows = all.map((cohort) => [
    monthText(cohort.month, c.lang),
    count(cohort.leads, c.locale),
    count(cohort.won, c.locale),
    percent(cohort.rate, c.locale) + (cohort.immature ? ` (${c.text.immature})` : ""),
  ]);
  return plainTable(text.title, ["", text.leads, text.won, text.rate], rows);
}

export const cohorts: Panel<Answer> = {
  id: "cohorts",
  title: (c) => c.text.cohorts.title,
  about: (c) => c.text.cohorts.about(c.scope.window),
  unit: (c) => c.text.cohorts.unit,
  load: (client, scope) => client.query(cohortTrend(scope)),
  empty: ({ data }) => !data.some((row) => num(row, "leads")),
  draw: (answer, c) => {
    const all = cohortsOf(answer, immatureFrom(c.scope));
    const drawn = chart(cohortOption(c, all, colours()), c.text.cohorts.about(c.scope.window), 330, table(c, all));
    return [legend(c), drawn, ...warnings(answer)];
  },
};
