// The key figures, each beside the same figure of the period before.

import { type Answer, bucketOf, type Client, type Measure, num, type Row } from "../api.ts";
import { h, info } from "../dom.ts";
import { change, format, missing, percent, moveText, periodText, type Value } from "../format.ts";
import { type Context, type Panel, targetOf, warnings } from "../panel.ts";
import { granularityOf, isWhole, type Period } from "../range.ts";
import {
  immatureFrom,
  leadDate,
  leadTotals,
  leadTrend,
  type Scope,
  spendDate,
  spendTotals,
  spendTrend,
} from "../scope.ts";
import { sparkline } from "../sparkline.ts";

interface Data {
  now: Row;
  before: Row;
  trend: Record<string, Value[]>;
  answers: (Answer | undefined)[];
}

/** +1: more is better. -1: less is better. 0: neither. */
const better: Record<string, 1 | 0 | -1> = {
  leads: 1,
  mqls: 1,
  sqls: 1,
  won: 1,
  lead_to_won_rate: 1,
  cost: 0,
  cpl: -1,
  cost_per_won: -1,
  first_response_hours: -1,
  timeliness_24h: 1,
};
const shown = Object.keys(better);
/** These go on growing while a lead's window is open. */
const maturing = new Set(["won", "lead_to_won_rate", "cost_per_won"]);
/** These say more as a share of the leads than as a curve. */
const asShare = new Set(["mqls", "sqls", "won"]);

/** A week cut off by the period's ends would look like a fall. */
function wholeBuckets(rows: Row[], date: string, period: Period): Row[] {
  const granularity = granularityOf(period);
  return rows.filter((row) => isWhole(bucketOf(row, date, granularity), granularity, period));
}

/** Both rows in one. Where nothing was spent a lead has no cost, rather than one of 0. */
export function figures(spend: Row = {}, leads: Row = {}): Row {
  const costs = num(spend, "cost") ? {} : { cpl: null, cost_per_won: null };
  return { ...spend, ...costs, ...leads };
}

async function load(client: Client, scope: Scope): Promise<Data> {
  const { period, before } = scope;
  const answers = await Promise.all([
    client.query(leadTotals(scope, period)),
    client.query(spendTotals(scope, period)),
    before && client.query(leadTotals(scope, before)),
    before && client.query(spendTotals(scope, before)),
    client.query(leadTrend(scope)),
    client.query(spendTrend(scope)),
  ]);
  const [leads, spend, leadsBefore, spendBefore, ...trends] = answers;
  const trend: Data["trend"] = {};
  for (const [date, { data }] of [
    [leadDate, trends[0]],
    [spendDate, trends[1]],
  ] as const) {
    const rows = wholeBuckets(data, date, period);
    for (const name of shown) if (rows.some((row) => name in row)) trend[name] = rows.map((row) => num(row, name));
  }
  return {
    now: figures(spend.data[0], leads.data[0]),
    before: figures(spendBefore?.data[0], leadsBefore?.data[0]),
    trend,
    answers,
  };
}

function deltaLine(c: Context, measure: Measure, now: Value, before: Value): HTMLElement {
  const { unit, name } = measure;
  const moved = change(now, before, unit);
  if (moved === undefined) return h("p", { class: "delta" }, c.text.kpis.noBefore);
  const open = maturing.has(name) && c.scope.period.to >= immatureFrom(c.scope);
  const tip =
    c.text.kpis.before(format(before, unit, c.locale)) + (open ? `\n${c.text.kpis.immature(c.scope.window)}` : "");
  const flat = Math.abs(moved) < 0.0005;
  const good = flat || open ? 0 : Math.sign(moved) * (better[name] ?? 0);
  const tone = good > 0 ? "good" : good < 0 ? "bad" : "";
  const arrow = flat ? "" : moved > 0 ? "↑ " : "↓ ";
  return h(
    "p",
    { class: `delta ${tone}`, "data-tip": tip, tabindex: 0 },
    flat ? c.text.kpis.noChange : arrow + moveText(moved, unit, c.locale),
    open && h("span", { class: "chip" }, c.text.immature),
  );
}

/** How a ratio stands to its target. The targets of the catalogue are all floors. */
function goalLine(c: Context, name: string, now: Value): HTMLElement | undefined {
  const target = targetOf(c.meta, name);
  if (target === undefined || now == null) return undefined;
  const text = percent(target, c.locale, 0);
  const { met, missed } = c.text.kpis;
  return now >= target ? h("p", { class: "goal good" }, met(text)) : h("p", { class: "goal bad" }, missed(text));
}

function under(c: Context, name: string, data: Data): HTMLElement | SVGElement | undefined {
  const goal = goalLine(c, name, num(data.now, name));
  if (goal) return goal;
  const leads = num(data.now, "leads");
  if (asShare.has(name) && leads) {
    return h("p", { class: "goal" }, c.text.kpis.ofLeads(percent((num(data.now, name) ?? 0) / leads, c.locale)));
  }
  return data.trend[name] && sparkline(data.trend[name]);
}

function tile(c: Context, name: string, data: Data): HTMLElement {
  const plain: Measure = { name, title: { zh: name, en: name }, unit: "count" };
  const measure = c.meta.measures.find((one) => one.name === name) ?? plain;
  const now = num(data.now, name);
  const about = measure.description?.[c.lang];
  return h(
    "li",
    { class: "tile", "data-measure": name },
    h("h3", {}, measure.title[c.lang], about ? info(about) : undefined),
    h(
      "data",
      { class: now === null ? "value none" : "value", value: now ?? "" },
      format(now, measure.unit, c.locale) || missing,
    ),
    deltaLine(c, measure, now, num(data.before, name)),
    under(c, name, data) ?? false,
  );
}

export const kpis: Panel<Data> = {
  id: "kpis",
  title: (c) => c.text.kpis.title,
  about: (c) => c.text.kpis.about,
  unit: ({ scope, lang, text }) =>
    text.kpis.period(periodText(scope.period, lang), scope.before ? periodText(scope.before, lang) : ""),
  load,
  empty: ({ now }) => !num(now, "leads") && !num(now, "cost"),
  draw: (data, c) => [
    h("ul", { class: "tiles" }, ...shown.map((name) => tile(c, name, data))),
    ...warnings(...data.answers),
  ],
};
