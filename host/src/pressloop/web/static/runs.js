// The list of records; ticked ones are laid over each other, an opened one shows its verdict.
import { get } from "./api.js";
import { $, el, replace } from "./dom.js";
import { notice } from "./notices.js";
import * as overlay from "./overlay.js";
import { showRun } from "./run_detail.js";
import { on } from "./store.js";
import { current, onOpen } from "./views.js";

let rows = [];
let opened = null;

// The columns and words of `pressloop runs`; each verdict has a sign beside its colour.
const SIGNS = { pass: ["✓", "good"], fail: ["✗", "bad"], unreadable: ["✗", "bad"], "in progress": ["▶", "note"] };

function item(row) {
  const [sign, tone] = SIGNS[row.verdict] ?? ["○", null];
  const name = row.protocol || row.record;
  const tick = el("input", { type: "checkbox", "aria-label": `Show the curve of ${name}, ${row.moment}`, onchange: (event) => overlay.toggle(row, event.target.checked) });
  tick.checked = overlay.has(row.record);
  const open = () => openRun(row.record);
  return el(
    "li", { class: `choice${opened === row.record ? " is-chosen" : ""}` }, tick,
    el(
      "button", { type: "button", onclick: open }, el("b", {}, row.about),
      el("small", {}, `${row.moment}  `, el("span", { class: tone }, `${sign} ${row.verdict}`)),
      el("small", { class: "place" }, `${row.record}${row.kind === "simulated" ? ", simulated" : ""}`), row.problem ? el("small", { class: "problem" }, row.problem) : null,
    ),
  );
}

function render() {
  const wanted = $("run-search").value.trim().toLowerCase();
  const shown = rows.filter((row) => !wanted || [row.moment, row.verdict, row.kind, row.record, row.about, row.problem].join(" ").toLowerCase().includes(wanted));
  replace($("run-list"), ...shown.map(item), shown.length ? null : el("li", { class: "note" }, rows.length ? "No run has these words." : "No run has been recorded in this folder yet."));
}

async function openRun(record) {
  opened = record;
  const row = rows.find((one) => one.record === record);
  if (row && !overlay.has(record)) overlay.toggle(row, true);
  render();
  await showRun(record);
}

async function load() {
  try {
    ({ rows } = await get("runs"));
  } catch (error) {
    notice(`${error.message} ${error.hint}`, "bad");
    return;
  }
  render();
  const asked = decodeURIComponent(location.hash.split("/")[1] ?? "");
  if (asked && asked !== opened && rows.some(({ record }) => record === asked)) openRun(asked);
}

export function begin() {
  overlay.begin();
  onOpen("runs", load);
  $("run-search").addEventListener("input", render);
  on("result", () => {
    if (current() === "runs") load();
  });
}
