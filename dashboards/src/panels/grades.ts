// Do the grades say who buys? Share of leads and lead → won rate of each grade.

import { type Answer, num, type Row, str } from "../api.ts";
import { h } from "../dom.ts";
import { count, percent, type Value } from "../format.ts";
import { type Context, type Panel, targetOf, titleOf, valueText, warnings } from "../panel.ts";
import { gradeTotals } from "../scope.ts";
import { bar, type Column, sortableTable } from "../table.ts";

interface Grade {
  /** Text of the table, and a class of the style sheet: a, b, c, none. */
  name: string;
  tone: string;
  leads: number;
  share: number;
  won: number;
  rate: Value;
  /** Won rate over the won rate of all leads. */
  lift: Value;
}

/** All grades in one. */
function totalOf(c: Context, grades: Grade[]): Grade {
  const leads = grades.reduce((sum, grade) => sum + grade.leads, 0);
  const won = grades.reduce((sum, grade) => sum + grade.won, 0);
  return { name: c.text.total, tone: "total", leads, share: 1, won, rate: leads ? won / leads : null, lift: null };
}

/** The rows with the shares and lifts worked out; the ungraded last. */
export function gradesOf(rows: Row[]): Grade[] {
  const leads = rows.reduce((sum, row) => sum + (num(row, "leads") ?? 0), 0);
  const won = rows.reduce((sum, row) => sum + (num(row, "won") ?? 0), 0);
  const all = rows.map((row) => {
    const name = str(row, "grade");
    const mine = num(row, "leads") ?? 0;
    const rate = num(row, "lead_to_won_rate");
    return {
      name,
      tone: /^[A-C]$/.test(name) ? name.toLowerCase() : "none",
      leads: mine,
      share: leads ? mine / leads : 0,
      won: num(row, "won") ?? 0,
      rate,
      lift: rate !== null && won ? rate / (won / leads) : null,
    };
  });
  return all.sort((a, b) => Number(a.tone === "none") - Number(b.tone === "none") || a.name.localeCompare(b.name));
}

function gradeText(c: Context, { name, tone }: Grade): string {
  return tone === "none" && valueText(name, c.text) === c.text.none ? c.text.ungraded : name;
}

function stack(c: Context, grades: Grade[]): HTMLElement {
  const parts = grades.map((grade) =>
    h(
      "i",
      {
        class: `grade-${grade.tone}`,
        style: { "flex-grow": String(grade.share) },
        "data-tip": `${gradeText(c, grade)}: ${count(grade.leads, c.locale)} (${percent(grade.share, c.locale)})`,
      },
      grade.share > 0.08 && gradeText(c, grade),
    ),
  );
  return h("div", { class: "stack", "aria-hidden": "true" }, ...parts);
}

function columns(c: Context, grades: Grade[]): Column<Grade>[] {
  const most = Math.max(...grades.map((grade) => grade.rate ?? 0), targetOf(c.meta, "lead_to_won_rate") ?? 0);
  return [
    {
      key: "grade",
      title: titleOf(c.meta.dimensions, "grade", c.lang),
      value: (g) => (g.tone === "none" ? null : g.name),
      cell: (g) =>
        h("span", { class: "key" }, g.tone !== "total" && h("i", { class: `grade-${g.tone}` }), gradeText(c, g)),
    },
    {
      key: "leads",
      title: titleOf(c.meta.measures, "leads", c.lang),
      value: (g) => g.leads,
      cell: (g) => count(g.leads, c.locale),
    },
    { key: "share", title: c.text.share, kind: "wide", value: (g) => g.share, cell: (g) => percent(g.share, c.locale) },
    {
      key: "rate",
      title: titleOf(c.meta.measures, "lead_to_won_rate", c.lang),
      kind: "bars",
      value: (g) => g.rate ?? null,
      cell: (g) => h("span", { class: "barred" }, bar((g.rate ?? 0) / (most || 1)), percent(g.rate, c.locale)),
    },
    {
      key: "lift",
      title: c.text.lift,
      about: c.text.grades.lift,
      value: (g) => g.lift ?? null,
      cell: (g) => (g.lift == null ? "" : `×${g.lift.toFixed(2)}`),
    },
  ];
}

export const grades: Panel<Answer> = {
  id: "grades",
  title: (c) => c.text.grades.title,
  about: (c) => c.text.grades.about,
  unit: (c) => c.text.grades.unit,
  load: (client, scope) => client.query(gradeTotals(scope)),
  empty: ({ data }) => !data.some((row) => num(row, "leads")),
  draw: (answer, c) => {
    const all = gradesOf(answer.data);
    const table = sortableTable({
      caption: c.text.grades.about,
      columns: columns(c, all),
      rows: all,
      total: totalOf(c, all),
      sort: "grade",
      up: true,
      first: 8,
      more: c.text.showAll,
      fewer: c.text.showFewer,
    });
    return [stack(c, all), table, ...warnings(answer)];
  },
};
