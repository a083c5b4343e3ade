// A curve without axes: the shape of a figure over the period.

import { svg } from "./dom.ts";
import type { Value } from "./format.ts";

const width = 96;
const height = 24;
const inset = 2;

/** The SVG path through the values, left to right, gaps where there is none. */
export function sparkPath(values: Value[]): string {
  const known = values.filter((v): v is number => v != null);
  const [low, high] = [Math.min(...known), Math.max(...known)];
  let path = "";
  let open = false;
  values.forEach((value, i) => {
    if (value == null) {
      open = false;
      return;
    }
    const x = inset + (i / Math.max(values.length - 1, 1)) * (width - 2 * inset);
    const share = high > low ? (value - low) / (high - low) : 0.5;
    const y = height - inset - share * (height - 2 * inset);
    path += `${open ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`;
    open = true;
  });
  return path;
}

export function sparkline(values: Value[]): SVGElement | undefined {
  if (values.filter((v) => v != null).length < 3) return undefined;
  return svg(
    "svg",
    { class: "spark", viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true", preserveAspectRatio: "none" },
    svg("path", { d: sparkPath(values) }),
  );
}
