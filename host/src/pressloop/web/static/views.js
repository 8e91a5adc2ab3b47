// Shows one view at a time, named by the address, so that a reload shows the same.
import { $ } from "./dom.js";

export const VIEWS = ["press", "protocols", "runs", "machine"];
const opened = new Map();

export function onOpen(view, listener) {
  opened.set(view, listener);
}

export const current = () => {
  const [name] = location.hash.slice(1).split("/");
  return VIEWS.includes(name) ? name : "press";
};

export function show(view) {
  location.hash = `#${view}`;
}

function update() {
  const view = current();
  document.body.dataset.view = view;
  for (const name of VIEWS) $(`view-${name}`).hidden = name !== view;
  for (const link of document.querySelectorAll("[data-view]")) {
    if (link.tagName !== "A") continue;
    if (link.dataset.view === view) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  opened.get(view)?.();
}

export function begin() {
  // Its address would be taken for a view.
  $("skip").addEventListener("click", (event) => {
    event.preventDefault();
    $("content").focus();
  });
  addEventListener("hashchange", update);
  update();
}
