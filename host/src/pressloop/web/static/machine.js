// What the press is: identity, dies, tuning, calibration, profile and the board's own journal.
import { get } from "./api.js";
import { $, el, replace } from "./dom.js";
import { figure, plain } from "./format.js";
import { on } from "./store.js";
import { current, onOpen } from "./views.js";

const list = (rows) => el("dl", { class: "summary" }, ...rows.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));

function dies(rows) {
  const heads = ["Die, mm", "Highest, MPa", "Force", "Finest tolerance, MPa", "Transducer ±, MPa", "Channels ±, MPa", "Fastest rise, MPa/s"];
  const row = (die) =>
    el("tr", {}, ...[plain(die.die_mm), figure(die.limit_mpa, 0), die.force, figure(die.tolerance_mpa, 2), figure(die.transducer_mpa, 2), figure(die.channels_mpa, 1), figure(die.fastest_rise_mpa_s, 1)].map((text) => el("td", { class: "number" }, text)));
  return el(
    "div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "Dies" },
    el("table", {}, el("thead", {}, el("tr", {}, ...heads.map((head) => el("th", { class: "number", scope: "col" }, head)))), el("tbody", {}, ...rows.map(row))),
  );
}

async function load() {
  let press;
  try {
    press = await get("machine");
  } catch (error) {
    replace($("machine-body"), el("p", { class: "problem" }, `${error.message} ${error.hint}`));
    return;
  }
  replace(
    $("machine-body"), el("h3", {}, press.name ?? "This board has no machine profile"), list(press.identity),
    el("h3", {}, "Tuning, calibration and commissioning"),
    press.tuning ? el("p", {}, press.tuning) : null,
    press.states.length ? list(press.states) : el("p", { class: "note" }, "Neither board nor profile says whether the press was calibrated or commissioned."),
    press.dies.length ? el("h3", {}, "Dies") : null, press.dies.length ? dies(press.dies) : null,
    press.journal.length ? el("h3", {}, "The board's journal, newest first") : null,
    press.journal.length ? el("ul", { class: "note" }, ...press.journal.map((line) => el("li", {}, line))) : null,
    press.profile.length ? el("h3", {}, "Machine profile") : null, press.profile.length ? list(press.profile) : null,
  );
}

export function begin() {
  onOpen("machine", load);
  on("machine", () => {
    if (current() === "machine") load();
  });
}
