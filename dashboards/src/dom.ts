// Building elements. Styles are set through the object model only: the page's security policy forbids style attributes.

type Child = Node | string | false | null | undefined;
type Attributes = Record<string, string | number | boolean | EventListener | Record<string, string> | undefined>;

function fill<E extends HTMLElement | SVGElement>(element: E, attributes: Attributes, children: Child[]): E {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name, value);
    else if (typeof value === "object") setStyle(element, value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children) if (child || child === "") element.append(child);
  return element;
}

function setStyle(element: HTMLElement | SVGElement, style: Record<string, string>): void {
  for (const [property, value] of Object.entries(style)) element.style.setProperty(property, value);
}

/** An element. Attributes that are functions become listeners; an object becomes style properties. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  return fill(document.createElement(tag), attributes, children);
}

export function svg<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): SVGElementTagNameMap[K] {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

/** A sign that explains itself on hover and focus. */
export function info(text: string): HTMLElement {
  return h("button", { type: "button", class: "info", "data-tip": text }, "?");
}

/** One choice of several, as a row of radio buttons: arrow keys move between them. */
export function segments<T extends string | number>(
  name: string,
  label: string,
  options: readonly (readonly [value: T, title: string])[],
  chosen: T | undefined,
  choose: (value: T) => void,
): HTMLElement {
  const items = options.map(([value, title]) => {
    const input = h("input", { type: "radio", name, value: String(value), change: () => choose(value) });
    input.checked = value === chosen;
    return h("label", {}, input, h("span", {}, title));
  });
  return h("div", { class: "segments", role: "radiogroup", "aria-label": label }, ...items);
}

export function select<T extends string>(
  id: string,
  label: string,
  options: readonly (readonly [value: T, title: string])[],
  chosen: T,
  choose: (value: T) => void,
): HTMLElement {
  const items = options.map(([value, title]) => {
    const option = h("option", { value }, title);
    option.selected = value === chosen;
    return option;
  });
  const box = h("select", { id, change: () => choose(box.value as T) }, ...items);
  box.setAttribute("aria-label", label);
  return h("label", { class: "select" }, h("span", {}, label), box);
}
