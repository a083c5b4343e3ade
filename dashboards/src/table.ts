// Tables whose columns can be sorted, and the bars drawn in their cells.

import { h } from "./dom.ts";

export interface Column<R> {
  key: string;
  title: string;
  about?: string;
  /** What to sort by; null sorts last. Text columns stand left, numbers right. */
  value: (row: R) => number | string | null;
  cell: (row: R) => Node | string;
  /** Extra class of the column's cells: "wide" leaves it out on narrow screens, "bars" gives it the free width. */
  kind?: string;
}

export interface Table<R> {
  caption: string;
  columns: Column<R>[];
  rows: R[];
  /** The line of totals, always last. */
  total?: R | undefined;
  /** The column it is sorted by at first: from the top down, unless `up`. */
  sort: string;
  up?: boolean;
  /** Rows shown before the reader asks for all. */
  first: number;
  more: (rows: number) => string;
  fewer: string;
}

interface Order {
  key: string;
  up: boolean;
}

/** The rows by one column; rows without a value stand last whichever way it is turned. */
export function sorted<R>(rows: R[], column: Column<R>, up: boolean): R[] {
  return [...rows].sort((a, b) => {
    const [x, y] = [column.value(a), column.value(b)];
    if (x === null || y === null) return Number(x === null) - Number(y === null);
    const order = typeof x === "string" ? x.localeCompare(String(y), "zh-CN") : x - Number(y);
    return up ? order : -order;
  });
}

function heading<R>(column: Column<R>, order: Order, turn: (key: string) => void): HTMLElement {
  const chosen = order.key === column.key;
  return h(
    "th",
    {
      scope: "col",
      class: column.kind ?? "",
      "aria-sort": chosen ? (order.up ? "ascending" : "descending") : undefined,
    },
    h(
      "button",
      { type: "button", click: () => turn(column.key), "data-tip": column.about, "data-sort": column.key },
      column.title,
    ),
  );
}

function line<R>(columns: Column<R>[], row: R): HTMLElement {
  return h(
    "tr",
    {},
    ...columns.map((column, i) =>
      i === 0
        ? h("th", { scope: "row", class: column.kind ?? "" }, column.cell(row))
        : h("td", { class: column.kind ?? "" }, column.cell(row)),
    ),
  );
}

export function sortableTable<R>(table: Table<R>): HTMLElement {
  const order: Order = { key: table.sort, up: table.up ?? false };
  let all = false;
  const head = h("thead");
  const body = h("tbody");
  const toggle = h("button", { type: "button", class: "more", click: () => ((all = !all), draw()) });

  function turn(key: string): void {
    order.up = order.key === key ? !order.up : table.rows.some((row) => typeof columnOf(key).value(row) === "string");
    order.key = key;
    draw();
    head.querySelector<HTMLElement>(`[data-sort="${key}"]`)?.focus();
  }
  function columnOf(key: string): Column<R> {
    return table.columns.find((column) => column.key === key) ?? (table.columns[0] as Column<R>);
  }
  function draw(): void {
    const rows = sorted(table.rows, columnOf(order.key), order.up);
    head.replaceChildren(h("tr", {}, ...table.columns.map((column) => heading(column, order, turn))));
    body.replaceChildren(...rows.slice(0, all ? rows.length : table.first).map((row) => line(table.columns, row)));
    toggle.hidden = rows.length <= table.first;
    toggle.textContent = all ? table.fewer : table.more(rows.length);
  }
  draw();
  const foot = table.total ? h("tfoot", {}, line(table.columns, table.total)) : undefined;
  return h(
    "div",
    { class: "scroller", tabindex: 0, role: "group", "aria-label": table.caption },
    h("table", {}, h("caption", { class: "unseen" }, table.caption), head, body, foot),
    toggle,
  );
}

/** A table of plain text: the same numbers as a chart, for those who cannot see it. */
export function plainTable(caption: string, heads: string[], rows: string[][]): HTMLElement {
  return h(
    "table",
    {},
    h("caption", {}, caption),
    h("thead", {}, h("tr", {}, ...heads.map((text) => h("th", { scope: "col" }, text)))),
    h("tbody", {}, ...rows.map((row) => h("tr", {}, ...row.map((text) => h("td", {}, text))))),
  );
}

/** A bar filled to a share of its width, with a tick at another share when one is given. */
export function bar(share: number, tick?: number | null, tone = ""): HTMLElement {
  const width = (x: number): string => `${Math.min(Math.max(x, 0), 1) * 100}%`;
  return h(
    "span",
    { class: `bar ${tone}`, "aria-hidden": "true" },
    h("i", { style: { width: width(share) } }),
    tick != null && h("u", { style: { left: width(tick) } }),
  );
}
