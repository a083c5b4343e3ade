// The head of the page: name, age of the data, language and refresh.

import { h, segments, svg } from "./dom.ts";
import { momentText } from "./format.ts";
import type { Text } from "./text.ts";
import type { Lang } from "./view.ts";

export interface HeaderState {
  lang: Lang;
  text: Text;
  /** Undefined until the server has answered. */
  asOf: string | undefined;
  timezone: string;
  chooseLang: (lang: Lang) => void;
  refresh: () => void;
}

function refreshIcon(): SVGElement {
  return svg(
    "svg",
    { viewBox: "0 0 16 16", "aria-hidden": "true" },
    svg("path", { d: "M13.5 8a5.5 5.5 0 1 1-1.6-3.9M13.5 2v3h-3" }),
  );
}

export function header({ lang, text, asOf, timezone, chooseLang, refresh }: HeaderState): HTMLElement[] {
  const age = asOf
    ? h("span", { "data-tip": timezone, tabindex: 0 }, text.asOf(momentText(asOf, lang, timezone)))
    : h("span", {}, "");
  const languages = [
    ["zh", "中文"],
    ["en", "English"],
  ] as const;
  return [
    h("img", { src: "/favicon.svg", alt: "", width: 24, height: 24 }),
    h("h1", {}, "Clew", h("span", {}, text.brand)),
    h("p", { class: "age" }, age),
    h(
      "button",
      {
        id: "refresh",
        type: "button",
        class: "icon",
        "aria-label": text.refresh,
        "data-tip": text.refresh,
        click: refresh,
      },
      refreshIcon(),
    ),
    segments("lang", text.language, languages, lang, chooseLang),
  ];
}
