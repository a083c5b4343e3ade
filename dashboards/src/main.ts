// The page: holds what the reader chose, asks the server, and has the panels draw the answers.

import "./style/base.css";
import "./style/controls.css";
import "./style/panels.css";
import "./style/figures.css";
import "./style/tables.css";
import "./style/narrow.css";
import { newClient } from "./api.ts";
import { h } from "./dom.ts";
import { loadFacts, type Facts } from "./facts.ts";
import { filters, installMenus } from "./filters.ts";
import { header } from "./header.ts";
import { type Context, emptyState, errorState, keepFocus, mount } from "./panel.ts";
import { cohorts } from "./panels/cohorts.ts";
import { compare } from "./panels/compare.ts";
import { funnel } from "./panels/funnel.ts";
import { grades } from "./panels/grades.ts";
import { kpis } from "./panels/kpis.ts";
import { spend } from "./panels/spend.ts";
import { timeliness } from "./panels/timeliness.ts";
import type { Period } from "./range.ts";
import { scopeOf } from "./scope.ts";
import { texts } from "./text.ts";
import { installTips } from "./tip.ts";
import { chooseLang, type Lang, parseView, type View, viewSearch } from "./view.ts";

const langKey = "clew.lang";

/** Reads and writes what the browser remembers; a browser that forbids it forgets. */
function remembered(): string | null {
  try {
    return localStorage.getItem(langKey);
  } catch {
    return null;
  }
}

function remember(lang: Lang): void {
  try {
    localStorage.setItem(langKey, lang);
  } catch {
    // Forbidden: the language lasts as long as the page.
  }
}

const head = h("header", { class: "top" });
const bar = h("nav", { class: "filters" });
const main = h("main");
const panels = [
  mount(kpis),
  mount(funnel),
  mount(grades),
  mount(compare),
  mount(cohorts),
  mount(spend),
  mount(timeliness),
];

let view = parseView(location.search);
let lang = chooseLang(location.search, remembered(), navigator.language);
let client = newClient();
let facts: Facts | undefined;
const unknown: Period = { from: "", to: "" };

function choose(change: Partial<View>): void {
  view = { ...view, ...change };
  history.pushState(null, "", location.pathname + viewSearch(view));
  draw();
}

function switchLang(to: Lang): void {
  lang = to;
  remember(to);
  // A language in the URL would win over the one just chosen.
  history.replaceState(null, "", location.pathname + viewSearch(view));
  if (facts) draw();
  else void load();
}

function drawHead(): void {
  const text = texts[lang];
  document.documentElement.lang = lang === "zh" ? "zh-CN" : "en";
  document.title = `Clew · ${text.brand}`;
  bar.setAttribute("aria-label", text.filters);
  const timezone = facts?.meta.timezone ?? "UTC";
  const state = { lang, text, asOf: facts?.asOf, timezone, chooseLang: switchLang, refresh };
  keepFocus(head, () => head.replaceChildren(...header(state)));
}

/** Draws the filters; without facts they offer nothing yet, but keep their place. */
function drawFilters(period: Period, currency: string): void {
  const { channels, currencies, extent } = facts ?? { channels: [], currencies: [], extent: unknown };
  const state = { lang, text: texts[lang], view, period, extent, channels, currencies, currency, choose };
  const choosing = bar.querySelector("#channels[open]");
  keepFocus(bar, () => {
    bar.replaceChildren(...filters(state));
    if (choosing) bar.querySelector("#channels")?.setAttribute("open", "");
  });
}

/** Draws all from what is known, and asks for what is not. */
function draw(): void {
  drawHead();
  if (!facts) return drawFilters(typeof view.range === "string" ? unknown : view.range, "");
  const { meta, extent, asOfDay, currencies } = facts;
  const currency = currencies.includes(view.currency) ? view.currency : (currencies[0] ?? "");
  const scope = scopeOf(view, extent, asOfDay, currencies.length > 1 ? currency : "");
  drawFilters(scope.period, currency);
  const c: Context = { lang, text: texts[lang], locale: { lang, currency }, meta, scope, choose };
  for (const panel of panels) void panel.show(client, c);
}

function refresh(): void {
  client = newClient();
  void load();
}

/** Asks for the facts, then draws. Without facts the page says why it is bare. */
async function load(): Promise<void> {
  if (!facts) draw();
  const mine = client;
  try {
    const found = await loadFacts(mine);
    if (mine !== client) return;
    facts = found;
    const shown = facts ? panels.map((panel) => panel.element) : [emptyState(texts[lang], texts[lang].emptyAll)];
    if (main.firstChild !== shown[0]) main.replaceChildren(...shown);
    draw();
  } catch (cause) {
    if (mine === client) main.replaceChildren(errorState(cause, texts[lang], refresh));
  }
}

addEventListener("popstate", () => {
  view = parseView(location.search);
  draw();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
if (new URLSearchParams(location.search).has("lang")) remember(lang);
installTips();
installMenus();
document.querySelector("#app")?.replaceWith(head, bar, main);
main.append(...panels.map((panel) => panel.element));
void load();
