// Are leads followed up in time? Over the weeks, and by team or owner.

import { type Answer, bucketOf, num, type Row, str } from "../api.ts";
import { axisText, chart, colours, type Colours, type Option, tooltip, tooltipBody } from "../chart.ts";
import type { Day } from "../day.ts";
import { h, segments } from "../dom.ts";
import { count, hours, monthText, percent, shortDay, type Value } from "../format.ts";
import { type Context, type Panel, targetOf, titleOf, valueText, warnings } from "../panel.ts";
import { granularityOf, isWhole } from "../range.ts";
import { leadDate, leadTrend, timelinessByPeople } from "../scope.ts";
import { bar, type Column, plainTable, sortableTable } from "../table.ts";
import { people } from "../view.ts";
import { targetLine } from "./cohorts.ts";

interface Data {
  trend: Answer;
  people: Answer;
}

interface Point {
  day: Day;
  rate: Value;
  leads: number;
  response: Value;
  /** False where the period cuts off some of its days. */
  whole: boolean;
}

function pointsOf(c: Context, answer: Answer): Point[] {
  const granularity = granularityOf(c.scope.period);
  return answer.data.map((row) => {
    const day = bucketOf(row, leadDate, granularity);
    return {
      day,
      rate: num(row, "timeliness_24h"),
      leads: num(row, "leads") ?? 0,
      response: num(row, "first_response_hours"),
      whole: isWhole(day, granularity, c.scope.period),
    };
  });
}

function bucketText(c: Context, day: Day): string {
  return granularityOf(c.scope.period) === "month"
    ? monthText(day, c.lang)
    : c.text.timeliness.week(shortDay(day, c.lang));
}

/** The lowest value of the axis: a round tenth below everything drawn, so that the curve fills the room. */
export function floorOf(values: Value[]): number {
  const known = values.filter((v): v is number => v != null);
  return Math.max(0, Math.floor((Math.min(1, ...known) - 0.02) * 10) / 10);
}

function hover(c: Context, point: Point | undefined): HTMLElement {
  if (!point) return tooltipBody("", []);
  const title = (name: string): string => titleOf(c.meta.measures, name, c.lang);
  const rows = [
    [title("timeliness_24h"), percent(point.rate, c.locale)],
    [title("first_response_hours"), hours(point.response, c.locale)],
    [title("leads"), count(point.leads, c.locale)],
  ] as const;
  return tooltipBody(bucketText(c, point.day), [...rows], point.whole ? "" : c.text.timeliness.partial);
}

function option(c: Context, points: Point[], colour: Colours): Option {
  const target = targetOf(c.meta, "timeliness_24h");
  const label = axisText(colour);
  return {
    grid: { left: 44, right: 68, top: 12, bottom: 26 },
    tooltip: tooltip(colour, (i) => hover(c, points[i])),
    xAxis: {
      type: "category",
      data: points.map((point) => point.day),
      axisTick: { show: false },
      axisLine: { lineStyle: { color: colour.line } },
      axisLabel: { ...label, hideOverlap: true, formatter: (day: string) => shortDay(day, c.lang) },
    },
    yAxis: {
      type: "value",
      min: floorOf([...points.map((point) => point.rate), target]),
      max: 1,
      splitNumber: 3,
      splitLine: { lineStyle: { color: colour.line } },
      axisLabel: { ...label, formatter: (v: number) => percent(v, c.locale, 0) },
    },
    series: [
      {
        type: "line",
        data: points.map(({ rate, whole }) => ({ value: rate ?? null, symbol: whole ? "circle" : "emptyCircle" })),
        symbolSize: 4,
        showSymbol: points.length < 60,
        lineStyle: { width: 2, color: colour.accent },
        itemStyle: { color: colour.accent },
        ...(target === undefined ? {} : { markLine: targetLine(c, target, colour) }),
      },
    ],
  } as Option;
}

function curve(c: Context, answer: Answer): HTMLElement {
  const points = pointsOf(c, answer);
  const title = (name: string): string => titleOf(c.meta.measures, name, c.lang);
  const rows = points.map((point) => [
    bucketText(c, point.day),
    percent(point.rate, c.locale),
    hours(point.response, c.locale),
    count(point.leads, c.locale),
  ]);
  const heads = ["", title("timeliness_24h"), title("first_response_hours"), title("leads")];
  const table = plainTable(c.text.timeliness.title, heads, rows);
  return chart(option(c, points, colours()), c.text.timeliness.about, 184, table);
}

function columns(c: Context): Column<Row>[] {
  const target = targetOf(c.meta, "timeliness_24h");
  const title = (name: string): string => titleOf(c.meta.measures, name, c.lang);
  const rate = (row: Row): number | null => num(row, "timeliness_24h");
  const tone = (row: Row): string => (target !== undefined && (rate(row) ?? 1) < target ? "short" : "");
  return [
    {
      key: "name",
      title: titleOf(c.meta.dimensions, c.scope.people, c.lang),
      value: (row) => str(row, c.scope.people),
      cell: (row) => valueText(str(row, c.scope.people), c.text),
    },
    {
      key: "timeliness",
      title: title("timeliness_24h"),
      kind: "bars",
      value: rate,
      cell: (row) =>
        h("span", { class: "barred" }, bar(rate(row) ?? 0, target, tone(row)), percent(rate(row), c.locale)),
    },
    {
      key: "response",
      title: title("first_response_hours"),
      value: (row) => num(row, "first_response_hours"),
      cell: (row) => hours(num(row, "first_response_hours"), c.locale),
    },
    {
      key: "leads",
      title: title("leads"),
      value: (row) => num(row, "leads"),
      cell: (row) => count(num(row, "leads"), c.locale),
    },
  ];
}

export const timeliness: Panel<Data> = {
  id: "timeliness",
  title: (c) => c.text.timeliness.title,
  about: (c) => c.text.timeliness.about,
  unit: (c) => (granularityOf(c.scope.period) === "week" ? c.text.timeliness.weekly : c.text.timeliness.monthly),
  tools: (c) => {
    const options = people.map((name) => [name, titleOf(c.meta.dimensions, name, c.lang)] as const);
    return [segments("people", c.text.timeliness.by, options, c.scope.people, (by) => c.choose({ people: by }))];
  },
  load: async (client, scope) => {
    const [trend, byPeople] = await Promise.all([
      client.query(leadTrend(scope)),
      client.query(timelinessByPeople(scope)),
    ]);
    return { trend, people: byPeople };
  },
  empty: ({ trend }) => !trend.data.some((row) => num(row, "leads")),
  draw: ({ trend, people: rows }, c) => {
    const table = sortableTable<Row>({
      caption: c.text.timeliness.about,
      columns: columns(c),
      rows: rows.data,
      sort: "leads",
      first: 6,
      more: c.text.showAll,
      fewer: c.text.showFewer,
    });
    return [curve(c, trend), table, ...warnings(trend, rows)];
  },
};
