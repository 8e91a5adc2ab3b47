// Opens and closes dialogs. They are not modal for the browser: the rest of the page cannot be used
// meanwhile, but the commands at the bottom can, because abort must always be in reach.
import { $, el } from "./dom.js";

const VEILED = ["content", "bar"];
const veil = el("div", { class: "veil", hidden: true });
document.body.append(veil);

let opened = null;
let before = null;

function veilRest(on) {
  veil.hidden = !on;
  for (const id of VEILED) $(id).inert = on;
}

export function open(dialog, focused) {
  opened?.close();
  before = document.activeElement;
  opened = dialog;
  veilRest(true);
  dialog.show();
  (focused ?? dialog.querySelector("input, button")).focus();
}

export function close() {
  if (!opened) return;
  opened.close();
  opened = null;
  veilRest(false);
  before?.focus?.({ preventScroll: true });
}

export const isOpen = () => opened !== null;

veil.addEventListener("click", close);
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && opened) {
    event.preventDefault();
    close();
  }
});
