// Single keys, as in the terminal. In a text field only Alt and A acts.
import { abort, steer } from "./commands.js";
import { toggle } from "./control.js";
import * as dialogs from "./dialogs.js";
import { $ } from "./dom.js";
import { VIEWS, show } from "./views.js";

const STEERING = { p: "pause", r: "resume", s: "skip", e: "end" };

const isTyping = (target) => target instanceof Element && target.matches("input:not([type=checkbox]), textarea, select, [contenteditable]");

export function begin() {
  document.addEventListener("keydown", (event) => {
    const key = event.key.toLowerCase();
    const isAbort = key === "a" || event.code === "KeyA";
    if (isAbort && event.altKey && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      if (!event.repeat) abort();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (key === "a") {
      if (!event.repeat) abort();
      return;
    }
    if (event.repeat || dialogs.isOpen()) return;
    if (STEERING[key]) steer(STEERING[key]);
    else if (key === "c") toggle();
    else if (key === "?") dialogs.open($("help-dialog"));
    else if (VIEWS[Number(key) - 1]) show(VIEWS[Number(key) - 1]);
    else return;
    event.preventDefault();
  });
  $("help-dialog").querySelector("form").addEventListener("submit", (event) => {
    event.preventDefault();
    dialogs.close();
  });
}
