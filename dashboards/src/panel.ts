// A panel of the page: a heading and a body that is loading, failed, empty or drawn.

import type { Client, Meta } from "./api.ts";
import { Problem } from "./api.ts";
import { dispose } from "./chart.ts";
import { h, info } from "./dom.ts";
import type { Locale } from "./format.ts";
import type { Scope } from "./scope.ts";
import type { Text } from "./text.ts";
import type { Lang, View } from "./view.ts";

/** What a panel is drawn with. */
export interface Context {
  lang: Lang;
  text: Text;
  locale: Locale;
  meta: Meta;
  scope: Scope;
  /** Changes the view; the page asks again for what that changes. */
  choose: (change: Partial<View>) => void;
}

export interface Panel<T> {
  id: string;
  title: (c: Context) => string;
  /** What is measured, in one sentence. */
  about: (c: Context) => string;
  /** What the numbers are in. */
  unit?: (c: Context) => string;
  /** Controls that belong to this panel alone. */
  tools?: (c: Context) => HTMLElement[];
  load: (client: Client, scope: Scope) => Promise<T>;
  empty: (data: T) => boolean;
  draw: (data: T, c: Context) => (Node | string)[];
}

/** A panel standing on the page. */
export interface Mounted {
  element: HTMLElement;
  /** Loads and draws; what was drawn before stays, dimmed, until then. */
  show: (client: Client, c: Context) => Promise<void>;
}

/** The title of a measure or dimension as the server names it. */
export function titleOf(all: { name: string; title: { zh: string; en: string } }[], name: string, lang: Lang): string {
  return all.find((one) => one.name === name)?.title[lang] || name;
}

export function targetOf(meta: Meta, measure: string): number | undefined {
  return meta.measures.find((one) => one.name === measure)?.target ?? undefined;
}

/** A dimension's value as shown; the server writes an empty one as "(none)". */
export function valueText(value: string, text: Text): string {
  return value === "(none)" || value === "" ? text.none : value;
}

/** The server's warnings, each once. */
export function warnings(...answers: ({ warnings?: string[] } | undefined)[]): HTMLElement[] {
  const lines = new Set(answers.flatMap((answer) => answer?.warnings ?? []));
  return [...lines].map((line) => h("p", { class: "note", lang: "en" }, line));
}

function skeleton(): HTMLElement {
  return h("div", { class: "skeleton", "aria-hidden": "true" }, h("i"), h("i"), h("i"), h("i"));
}

/** Nothing to show: by reason of the filters, or because nothing was computed yet. */
export function emptyState(text: Text, why: string): HTMLElement {
  const remedy = h("p", {}, `${why} `, h("code", {}, text.emptyCommand));
  return h("div", { class: "state" }, h("b", {}, text.emptyTitle), remedy);
}

export function errorState(cause: unknown, text: Text, retry: () => void): HTMLElement {
  const problem = cause instanceof Problem ? cause : new Problem(0, "", String(cause), "");
  const unreachable = problem.code === "unreachable";
  return h(
    "div",
    { class: "state failed", role: "alert" },
    h("b", {}, text.failed, problem.code && h("code", {}, problem.code)),
    h("p", {}, unreachable ? text.unreachable : problem.message),
    problem.hint && h("p", { class: "hint" }, problem.hint),
    h("button", { type: "button", click: retry }, text.retry),
  );
}

export function mount<T>(panel: Panel<T>): Mounted {
  const head = h("header");
  const body = h("div", { class: "body", "aria-busy": "true" }, skeleton());
  const element = h("section", { class: "panel", id: panel.id, "aria-labelledby": `${panel.id}-title` }, head, body);
  let turn = 0;

  function fill(children: (Node | string)[], state: string): void {
    dispose(body);
    body.replaceChildren(...children);
    element.dataset["state"] = state;
    body.setAttribute("aria-busy", "false");
  }
  function drawHead(c: Context): void {
    const unit = panel.unit?.(c);
    const titles = h("div", {}, h("h2", { id: `${panel.id}-title` }, panel.title(c)), info(panel.about(c)));
    if (unit) titles.append(h("span", { class: "unit" }, unit));
    head.replaceChildren(titles, ...(panel.tools?.(c) ?? []));
  }
  async function show(client: Client, c: Context): Promise<void> {
    const mine = ++turn;
    keepFocus(element, () => drawHead(c));
    body.setAttribute("aria-busy", "true");
    try {
      const data = await panel.load(client, c.scope);
      if (mine !== turn) return;
      if (panel.empty(data)) fill([emptyState(c.text, c.text.emptyRange)], "empty");
      else fill(panel.draw(data, c), "drawn");
    } catch (cause) {
      if (mine === turn) fill([errorState(cause, c.text, () => void show(client, c))], "failed");
    }
  }
  return { element, show };
}

/** Redraws a part of the page without losing the focus of a control in it that comes back with the same name. */
export function keepFocus(parent: HTMLElement, draw: () => void): void {
  const held = parent.contains(document.activeElement) ? (document.activeElement as HTMLElement) : null;
  const path = held?.id
    ? `#${CSS.escape(held.id)}`
    : held instanceof HTMLInputElement
      ? `input[name="${held.name}"][value="${CSS.escape(held.value)}"]`
      : "";
  draw();
  if (path) parent.querySelector<HTMLElement>(path)?.focus();
}
