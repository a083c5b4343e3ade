// The one door to ECharts: only the parts used are bundled.

import { BarChart, type BarSeriesOption, LineChart, type LineSeriesOption } from "echarts/charts";
import {
  GridComponent,
  type GridComponentOption,
  MarkAreaComponent,
  MarkLineComponent,
  TooltipComponent,
  type TooltipComponentOption,
} from "echarts/components";
import { type ComposeOption, getInstanceByDom, init, use } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import { h } from "./dom.ts";

use([BarChart, LineChart, GridComponent, MarkAreaComponent, MarkLineComponent, TooltipComponent, CanvasRenderer]);

export type Option = ComposeOption<BarSeriesOption | LineSeriesOption | GridComponentOption | TooltipComponentOption>;

/** The colours of the style sheet, which follow the reader's light or dark preference. */
export interface Colours {
  ink: string;
  muted: string;
  faint: string;
  line: string;
  surface: string;
  accent: string;
  second: string;
  soft: string;
  target: string;
  font: string;
}

export function colours(): Colours {
  const style = getComputedStyle(document.documentElement);
  const of = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  return {
    ink: of("ink"),
    muted: of("muted"),
    faint: of("faint"),
    line: of("line"),
    surface: of("surface"),
    accent: of("accent"),
    second: of("second"),
    soft: of("soft"),
    target: of("target"),
    font: of("font"),
  };
}

/** A chart of at least that height in pixels, more where its panel has room to spare, with the same numbers as a table for those who cannot see it. */
export function chart(option: Option, label: string, height: number, table: HTMLElement): HTMLElement {
  const canvas = h("div", { class: "chart", role: "img", "aria-label": label, style: { "min-height": `${height}px` } });
  // A chart needs a size, and has one only once it stands on the page.
  new ResizeObserver(() => {
    if (!canvas.clientWidth) return;
    const known = getInstanceByDom(canvas);
    if (known) known.resize();
    else init(canvas).setOption({ animation: false, ...option });
  }).observe(canvas);
  return h("div", { class: "figure" }, canvas, h("div", { class: "unseen" }, table));
}

/** Frees the charts under an element that is about to go. */
export function dispose(parent: Element): void {
  for (const canvas of parent.querySelectorAll<HTMLElement>(".chart")) getInstanceByDom(canvas)?.dispose();
}

export function axisText(c: Colours): { color: string; fontFamily: string; fontSize: number; lineHeight: number } {
  return { color: c.muted, fontFamily: c.font, fontSize: 11, lineHeight: 14 };
}

/** A tooltip that shows what `content` builds for the hovered bucket. */
export function tooltip(c: Colours, content: (index: number) => HTMLElement): TooltipComponentOption {
  return {
    trigger: "axis",
    confine: true,
    transitionDuration: 0,
    padding: [8, 12],
    backgroundColor: c.surface,
    borderColor: c.line,
    borderWidth: 1,
    textStyle: { color: c.ink, fontFamily: c.font, fontSize: 12 },
    axisPointer: { type: "line", lineStyle: { color: c.faint, type: "solid" } },
    formatter: (hit) => {
      const first = Array.isArray(hit) ? hit[0] : hit;
      return content(first?.dataIndex ?? 0);
    },
  };
}

/** The body of a tooltip: a heading, then name and value in two columns. */
export function tooltipBody(title: string, rows: (readonly [name: string, value: string])[], note = ""): HTMLElement {
  const cells = rows.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]);
  return h("div", { class: "hover" }, h("b", {}, title), h("dl", {}, ...cells), note && h("p", {}, note));
}
