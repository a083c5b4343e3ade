// What a lead costs, by channel.

import { type Answer, num, type Row, str } from "../api.ts";
import { h } from "../dom.ts";
import { count, format, missing } from "../format.ts";
import { type Context, type Panel, titleOf, valueText, warnings } from "../panel.ts";
import { channelSpend, spendTotals } from "../scope.ts";
import { bar, type Column, sortableTable } from "../table.ts";

interface Data {
  channels: Answer;
  total: Answer;
}

/** A bar for a cost a lead; none where nothing was spent or no lead came. */
function cplCell(c: Context, row: Row, most: number, total: number | null): HTMLElement {
  const cpl = num(row, "cost") ? num(row, "cpl") : null;
  const drawn = cpl === null ? h("span", { class: "bar" }) : bar(cpl / most, total === null ? null : total / most);
  return h("span", { class: "barred" }, drawn, format(cpl, "money", c.locale));
}

/** Money where money was spent; "—" rather than nothing spent. */
function moneyCell(c: Context, row: Row, measure: string): string {
  return num(row, "cost") ? format(num(row, measure), "money", c.locale) : missing;
}

function columns(c: Context, rows: Row[], total: Row | undefined): Column<Row>[] {
  const cpl = (row: Row): number | null => (num(row, "cost") ? num(row, "cpl") : null);
  const most = Math.max(...rows.map((row) => cpl(row) ?? 0)) || 1;
  const title = (name: string): string => titleOf(c.meta.measures, name, c.lang);
  const counted = (name: string): Column<Row> => ({
    key: name,
    title: title(name),
    value: (row) => num(row, name),
    cell: (row) => count(num(row, name), c.locale),
  });
  const spent = (name: string): Column<Row> => ({
    key: name,
    title: title(name),
    value: (row) => num(row, name),
    cell: (row) => moneyCell(c, row, name),
  });
  return [
    {
      key: "channel",
      title: titleOf(c.meta.dimensions, "channel", c.lang),
      value: (row) => str(row, "channel"),
      cell: (row) => valueText(str(row, "channel"), c.text),
    },
    {
      key: "cpl",
      title: title("cpl"),
      kind: "bars",
      value: cpl,
      cell: (row) => cplCell(c, row, most, num(total, "cpl")),
    },
    spent("cost"),
    counted("leads"),
    { ...counted("won"), kind: "wide" },
    { ...spent("cost_per_won"), kind: "wide" },
    {
      key: "romi",
      title: title("romi"),
      kind: "wide",
      value: (row) => num(row, "romi"),
      cell: (row) => format(num(row, "romi"), "ratio", c.locale),
    },
  ];
}

export const spend: Panel<Data> = {
  id: "spend",
  title: (c) => c.text.spend.title,
  about: (c) => c.text.spend.about,
  unit: (c) => c.locale.currency,
  load: async (client, scope) => {
    const [channels, total] = await Promise.all([
      client.query(channelSpend(scope)),
      client.query(spendTotals(scope, scope.period)),
    ]);
    return { channels, total };
  },
  empty: ({ channels }) => !channels.data.some((row) => num(row, "cost") || num(row, "leads")),
  draw: ({ channels, total }, c) => {
    const sums = total.data[0];
    const table = sortableTable<Row>({
      caption: c.text.spend.about,
      columns: columns(c, channels.data, sums),
      rows: channels.data,
      total: sums && { ...sums, channel: c.text.total },
      sort: "cost",
      first: 12,
      more: c.text.showAll,
      fewer: c.text.showFewer,
    });
    const { currency } = c.scope;
    return [table, currency && h("p", { class: "note open" }, c.text.spend.currency(currency)), ...warnings(channels)];
  },
};
