// The last messages: what was done, by whom, and what was refused.
import { announce } from "./announce.js";
import { $, el, replace } from "./dom.js";
import { clock } from "./format.js";
import { on } from "./store.js";

const MOST = 12;
const shown = [];

export function notice(text, tone = "note", at = Date.now() / 1000) {
  shown.unshift(el("li", { "data-tone": tone }, el("time", {}, clock(at)), text));
  shown.length = Math.min(shown.length, MOST);
  replace($("notices"), ...shown);
  announce(text);
}

on("notice", (message) => message && notice(message.text, message.tone, message.at));
