// Where leads are lost: the funnel's rates split by a dimension, each beside the total.

import type { FunnelAnswer, FunnelGroup, FunnelStep } from "../api.ts";
import { h, select } from "../dom.ts";
import { count, percent, type Value } from "../format.ts";
import { type Context, type Panel, titleOf, warnings } from "../panel.ts";
import { funnel } from "../scope.ts";
import { type Column, sortableTable } from "../table.ts";
import { comparisons } from "../view.ts";

/** Below this many leads at the step before, a rate says too little to be coloured. */
const enough = 30;

/** How a rate stands to the total's: −3 … 3, in steps of its ratio; 0 is within 8 %. */
export function heat(rate: Value, total: Value, entered: number): number {
  if (rate == null || !total || entered < enough) return 0;
  const ratio = rate / total;
  const size = Math.max(ratio, 1 / Math.max(ratio, 1e-9));
  const step = size < 1.08 ? 0 : size < 1.25 ? 1 : size < 1.6 ? 2 : 3;
  return ratio < 1 ? -step || 0 : step;
}

function rateCell(c: Context, rate: Value, total: Value, reached: number, entered: number): HTMLElement {
  const few = entered < enough;
  const { cell, few: fewText } = c.text.compare;
  const tip = cell(
    count(reached, c.locale),
    count(entered, c.locale),
    percent(rate, c.locale),
    percent(total, c.locale),
  );
  const tone = `heat heat${heat(rate, total, entered)}`;
  return h(
    "span",
    { class: few ? "heat few" : tone, "data-tip": few ? `${tip}\n${fewText}` : tip },
    percent(rate, c.locale),
  );
}

function stepColumn(c: Context, total: FunnelStep[], i: number): Column<FunnelGroup> {
  const step = total[i] as FunnelStep;
  const name = (at: number): string => total[at]?.title[c.lang] ?? "";
  return {
    key: step.step.stage,
    title: `→ ${name(i)}`,
    about: `${name(i - 1)} → ${name(i)}`,
    value: (g) => g.steps[i]?.rate_from_previous ?? null,
    cell: (g) => {
      const mine = g.steps[i] as FunnelStep;
      return rateCell(c, mine.rate_from_previous, step.rate_from_previous, mine.converted, mine.entered);
    },
  };
}

function columns(c: Context, total: FunnelStep[]): Column<FunnelGroup>[] {
  const last = total.length - 1;
  const start = (g: FunnelGroup): number => g.steps[0]?.converted ?? 0;
  return [
    {
      key: "value",
      title: titleOf(c.meta.dimensions, c.scope.comparison, c.lang),
      value: (g) => g.value,
      cell: (g) => (g.kind === "other" ? c.text.other : g.kind === "none" ? c.text.none : g.value),
    },
    { key: "entered", title: c.text.compare.entered, value: start, cell: (g) => count(start(g), c.locale) },
    ...total.slice(1).map((_, i) => stepColumn(c, total, i + 1)),
    {
      key: "overall",
      title: c.text.compare.overall,
      about: `${total[0]?.title[c.lang]} → ${total[last]?.title[c.lang]}`,
      value: (g) => g.steps[last]?.rate_from_start ?? null,
      cell: (g) => {
        const mine = g.steps[last] as FunnelStep;
        return rateCell(c, mine.rate_from_start, total[last]?.rate_from_start, mine.converted, start(g));
      },
    },
  ];
}

function legend(c: Context): HTMLElement {
  const scale = [-3, -2, -1, 0, 1, 2, 3].map((step) => h("i", { class: `heat heat${step}` }));
  return h(
    "p",
    { class: "legend" },
    c.text.compare.below,
    h("span", { class: "scale" }, ...scale),
    c.text.compare.above,
  );
}

export const compare: Panel<FunnelAnswer> = {
  id: "compare",
  title: (c) => c.text.compare.title,
  about: (c) => c.text.compare.about,
  unit: (c) => c.text.compare.unit,
  tools: (c) => {
    const options = comparisons.map((name) => [name, titleOf(c.meta.dimensions, name, c.lang)] as const);
    return [
      select("comparison", c.text.compare.by, options, c.scope.comparison, (comparison) => c.choose({ comparison })),
    ];
  },
  load: (client, scope) => client.funnel(funnel(scope, scope.comparison)),
  empty: ({ groups }) => !groups?.some((group) => group.steps[0]?.converted),
  draw: ({ steps, groups, warnings: warned = [] }, c) => {
    const total = { value: c.text.total, kind: "value" as const, steps };
    const table = sortableTable<FunnelGroup>({
      caption: c.text.compare.about,
      columns: columns(c, steps),
      rows: groups ?? [],
      total,
      sort: "entered",
      first: 12,
      more: c.text.showAll,
      fewer: c.text.showFewer,
    });
    return [table, legend(c), ...warnings({ warnings: warned })];
  },
};
