// The bar of filters: dates, channels, window and currency. Each choice changes the view at once.

import type { Day } from "./day.ts";
import { h, info, segments, select } from "./dom.ts";
import { periodText } from "./format.ts";
import { valueText } from "./panel.ts";
import { customPeriod, type Extent, type Period, type Preset, presets } from "./range.ts";
import type { Text } from "./text.ts";
import { type Lang, type View, windows } from "./view.ts";

export interface FilterState {
  lang: Lang;
  text: Text;
  view: View;
  period: Period;
  extent: Extent;
  channels: string[];
  currencies: string[];
  /** The currency shown, which the view may leave open. */
  currency: string;
  choose: (change: Partial<View>) => void;
}

/** A button that opens a box beneath it; Escape and a click elsewhere close it. */
function menu(id: string, title: string, active: boolean, ...content: Node[]): HTMLDetailsElement {
  return h(
    "details",
    { class: active ? "menu active" : "menu", id },
    h("summary", { id: `${id}-summary` }, title),
    h("div", { class: "box" }, ...content),
  );
}

/** Makes every menu of the page close on Escape, on a click elsewhere, and when another opens. */
export function installMenus(): void {
  const closeOthers = (target: EventTarget | null): void => {
    for (const open of document.querySelectorAll<HTMLDetailsElement>("details.menu[open]")) {
      if (!(target instanceof Node && open.contains(target))) open.open = false;
    }
  };
  document.addEventListener("click", (event) => closeOthers(event.target));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const open = document.querySelector<HTMLDetailsElement>("details.menu[open]");
    open?.querySelector("summary")?.focus();
    closeOthers(null);
  });
}

function dayInput(id: string, label: string, value: Day, { from, to }: Extent): [HTMLInputElement, HTMLElement] {
  const input = h("input", { type: "date", id, min: from, max: to, required: true });
  input.value = value;
  return [input, h("label", {}, h("span", {}, label), input)];
}

function customMenu(s: FilterState): HTMLElement {
  const [from, fromLabel] = dayInput("from", s.text.from, s.period.from, s.extent);
  const [to, toLabel] = dayInput("to", s.text.to, s.period.to, s.extent);
  const apply = (event: Event): void => {
    event.preventDefault();
    const period = customPeriod(from.value, to.value);
    if (period) s.choose({ range: period });
  };
  const form = h("form", { submit: apply }, fromLabel, toLabel, h("button", { class: "primary" }, s.text.apply));
  const custom = typeof s.view.range !== "string";
  return menu("custom", custom ? periodText(s.period, s.lang) : s.text.custom, custom, form);
}

function channelMenu(s: FilterState): HTMLElement {
  const { channels: chosen } = s.view;
  const boxes = s.channels.map((channel) => {
    const box = h("input", { type: "checkbox", name: "channel", value: channel });
    box.checked = chosen.includes(channel);
    box.addEventListener("change", () => {
      const others = s.view.channels.filter((one) => one !== channel);
      s.choose({ channels: box.checked ? [...others, channel] : others });
    });
    return h("label", {}, box, h("span", {}, valueText(channel, s.text)));
  });
  const clear = h(
    "button",
    { type: "button", id: "channels-clear", click: () => s.choose({ channels: [] }) },
    s.text.clear,
  );
  clear.disabled = !chosen.length;
  const one = chosen.length === 1 && chosen[0] !== undefined ? valueText(chosen[0], s.text) : undefined;
  const title = chosen.length ? (one ?? s.text.someChannels(chosen.length)) : s.text.allChannels;
  return menu("channels", title, chosen.length > 0, h("div", { class: "list" }, ...boxes), clear);
}

function rangeSegments(s: FilterState): HTMLElement {
  const options = presets.map((preset) => [preset, s.text.ranges[preset]] as const);
  const chosen = typeof s.view.range === "string" ? s.view.range : undefined;
  return segments<Preset>("range", s.text.range, options, chosen, (range) => s.choose({ range }));
}

export function filters(s: FilterState): HTMLElement[] {
  const days = windows.map((w) => [w, s.text.days(w)] as const);
  const window = h(
    "div",
    { class: "labelled" },
    h("span", {}, s.text.window),
    info(s.text.windowAbout),
    segments("window", s.text.window, days, s.view.window, (w) => s.choose({ window: w })),
  );
  const bar = [rangeSegments(s), customMenu(s), channelMenu(s), window];
  if (s.currencies.length > 1) {
    const codes = s.currencies.map((code) => [code, code] as const);
    bar.push(select("currency", s.text.currency, codes, s.currency, (currency) => s.choose({ currency })));
  }
  return bar;
}
