// The stage funnel: how many leads of the period reached each stage in time and in order.

import type { FunnelAnswer, FunnelStep } from "../api.ts";
import { h, svg } from "../dom.ts";
import { count, percent, seconds } from "../format.ts";
import { type Context, type Panel, warnings } from "../panel.ts";
import { funnel as funnelQuery } from "../scope.ts";

/** The bar of a step, and the slope down to the next. Heights are shares of the start. */
function shape(share: number, next: number | undefined): SVGElement {
  const top = (x: number): number => 100 - Math.max(x * 100, 0.6);
  const drawing = svg("svg", { viewBox: "0 0 100 100", preserveAspectRatio: "none", "aria-hidden": "true" });
  drawing.append(svg("rect", { x: 0, y: top(share), width: 58, height: 100 - top(share) }));
  if (next !== undefined) {
    drawing.append(svg("polygon", { points: `58,${top(share)} 100,${top(next)} 100,100 58,100` }));
  }
  return drawing;
}

function stepItem(c: Context, step: FunnelStep, next: FunnelStep | undefined, first: boolean): HTMLElement {
  const text = c.text.funnel;
  const rate = percent(step.rate_from_previous, c.locale);
  const tip = text.step(count(step.entered, c.locale), count(step.converted, c.locale), rate);
  const facts = [
    [text.fromPrevious, rate],
    [text.median, seconds(step.median_seconds, c.locale)],
    [text.lost, count(step.entered - step.converted, c.locale)],
  ] as const;
  // Under the start there is nothing to say: the names of the lines stand there.
  const lines = first
    ? facts.map(([name]) => h("p", { class: "facts", "aria-hidden": "true" }, name))
    : [
        h(
          "dl",
          {},
          ...facts.map(([name, value]) => h("div", {}, h("dt", { class: "unseen" }, name), h("dd", {}, value))),
        ),
      ];
  return h(
    "li",
    { "data-stage": step.step.stage },
    h("h3", {}, step.title[c.lang]),
    h("data", { class: "value", value: step.converted }, count(step.converted, c.locale)),
    h("p", { class: "rate" }, h("b", {}, percent(step.rate_from_start, c.locale)), h("span", {}, ` ${text.ofStart}`)),
    h(
      "div",
      { class: "shape", "data-tip": tip },
      shape(step.rate_from_start ?? 0, next && (next.rate_from_start ?? 0)),
    ),
    ...lines,
  );
}

function notes(c: Context, answer: FunnelAnswer): HTMLElement[] {
  const text = c.text.funnel;
  const open = answer.window_complete
    ? text.complete(c.scope.window)
    : text.open(count(answer.entrants_still_open, c.locale), c.scope.window);
  const lines = [h("p", { class: answer.window_complete ? "note" : "note open" }, open)];
  if (answer.out_of_order) lines.push(h("p", { class: "note" }, text.disordered(count(answer.out_of_order, c.locale))));
  return lines;
}

export const funnel: Panel<FunnelAnswer> = {
  id: "funnel",
  title: (c) => c.text.funnel.title,
  about: (c) => c.text.funnel.about(c.scope.window),
  unit: (c) => c.text.funnel.unit,
  load: (client, scope) => client.funnel(funnelQuery(scope)),
  empty: ({ steps }) => !steps[0]?.converted,
  draw: (answer, c) => [
    h("ol", { class: "funnel" }, ...answer.steps.map((step, i) => stepItem(c, step, answer.steps[i + 1], i === 0))),
    ...notes(c, answer),
    ...warnings(answer),
  ],
};
