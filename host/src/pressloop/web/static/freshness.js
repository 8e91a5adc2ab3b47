// Says within a second that what is shown is old, and why, as far as this page can know.
import { $, setText } from "./dom.js";
import { duration } from "./format.js";
import { on, state } from "./store.js";

const MAX_AGE_MS = 700;
const CHECK_MS = 100;
const START_MS = 1500;

let heardAt = performance.now() + START_MS;
let newestTick = null;

on("frame", ({ tick }) => {
  if (tick === newestTick) return;
  newestTick = tick;
  heardAt = performance.now();
});

function reason() {
  if (state("server") === false) return "The program that serves this page does not answer.";
  const link = state("link");
  if (link?.error) return `${link.error.message} ${link.error.hint}`;
  return "The board does not answer.";
}

const isStale = () => performance.now() - heardAt > MAX_AGE_MS;

function check() {
  const age = performance.now() - heardAt;
  const stale = age > MAX_AGE_MS;
  document.body.classList.toggle("is-stale", stale);
  const banner = $("stale");
  if (stale) {
    const since = newestTick === null ? "No data yet." : `Nothing new for ${duration(Math.max(1, age / 1000))}.`;
    // The age is shown, and not read out every second.
    setText($("stale-age"), since);
    setText($("stale-text"), `Old data. ${reason()} Look at the gauge.`);
  }
  banner.hidden = !stale;
  const link = $("link");
  const waiting = newestTick === null;
  link.dataset.lamp = stale ? "bad" : waiting ? "off" : "good";
  setText($("link-text"), stale ? "No live data" : waiting ? "Connecting" : "Live");
}

setInterval(check, CHECK_MS);
