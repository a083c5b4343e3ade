// One tooltip for the whole page: shows the data-tip of what the pointer or the focus is on.

import { h } from "./dom.ts";

const gap = 8;

function place(tip: HTMLElement, target: Element): void {
  const at = target.getBoundingClientRect();
  const { width, height } = tip.getBoundingClientRect();
  const left = Math.min(Math.max(gap, at.left + at.width / 2 - width / 2), innerWidth - width - gap);
  const above = at.top - height - gap;
  tip.style.left = `${left}px`;
  tip.style.top = `${above < gap ? at.bottom + gap : above}px`;
}

/** Installs the tooltip; Escape hides it. */
export function installTips(): void {
  const tip = h("div", { class: "tip", id: "tip", role: "tooltip" });
  document.body.append(tip);
  let described: Element | undefined;
  const hide = (): void => {
    tip.classList.remove("shown");
    described?.removeAttribute("aria-describedby");
  };
  const show = (event: Event): void => {
    const target = event.target instanceof Element ? event.target.closest("[data-tip]") : null;
    hide();
    if (!target) return;
    described = target;
    target.setAttribute("aria-describedby", tip.id);
    tip.textContent = target.getAttribute("data-tip");
    tip.classList.add("shown");
    place(tip, target);
  };
  document.addEventListener("mouseover", show);
  document.addEventListener("focusin", show);
  document.addEventListener("focusout", hide);
  document.addEventListener("scroll", hide, { passive: true, capture: true });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") hide();
  });
}
