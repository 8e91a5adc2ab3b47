// The verdict of one run: each stage with what was asked for and what was reached.
import { announce } from "./announce.js";
import { get } from "./api.js";
import { $, el, replace } from "./dom.js";
import { date, duration, figure, plain, span } from "./format.js";

const cell = (text, kind = "number") => el("td", { class: kind }, text);
const WORDS = { pass: "✓ pass", fail: "✗ fail", "not reached": "○ not reached" };

function stageRows(stage) {
  const rows = [
    el(
      "tr", {}, el("td", {}, stage.name), el("td", { class: `verdict-${stage.verdict.split(" ")[0]}` }, WORDS[stage.verdict]),
      cell(`${plain(stage.target_mpa)} MPa`), cell(stage.mean_mpa === null ? figure(null) : `${figure(stage.mean_mpa, 2)} MPa${stage.uncertainty_mpa ? ` ± ${figure(stage.uncertainty_mpa, 1)}` : ""}`),
      cell(stage.force_kn === null ? figure(null) : `${figure(stage.force_kn, 2)} kN`), cell(`${figure(stage.peak_mpa, 2)}`),
      cell(`${duration(stage.dwell_s)}${stage.planned_dwell_s === null ? "" : ` of ${duration(stage.planned_dwell_s)}`}`),
      cell(stage.in_band_fraction === null ? figure(null) : `${figure(100 * stage.in_band_fraction, 2)} %`),
    ),
  ];
  for (const reason of stage.reasons) rows.push(el("tr", {}, el("td", {}), el("td", { colspan: 7, class: "bad" }, reason)));
  return rows;
}

function table(stages) {
  const heads = ["Stage", "Verdict", "Target", "Mean", "Force", "Peak, MPa", "Dwell", "In band"];
  return el(
    "div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "Stages" },
    el("table", {}, el("thead", {}, el("tr", {}, ...heads.map((head, i) => el("th", { class: i > 1 ? "number" : null, scope: "col" }, head)))), el("tbody", {}, ...stages.flatMap(stageRows))),
  );
}

function event({ kind, at_s: at, data }) {
  const said = [data.by && `by ${data.by}`, data.text, data.answer, data.fault].filter(Boolean).join(", ");
  return el("li", {}, `${duration(Math.max(0, at))}: ${kind.replaceAll("-", " ")}${said ? ` (${said})` : ""}`);
}

export async function showRun(record) {
  const place = $("run-detail");
  let run;
  try {
    run = await get("run", { id: record });
  } catch (error) {
    replace(place, el("p", { class: "problem" }, `${error.message} ${error.hint}`));
    return;
  }
  announce(`${run.protocol}: ${run.end} ${run.sentence}`);
  const facts = [date(run.started), span(run.duration_s), run.die_mm ? `${plain(run.die_mm)} mm die` : "", run.simulated ? "simulated press" : "real press", run.gaps ? `${run.gaps} gap${run.gaps > 1 ? "s" : ""} in the record` : "no gaps"];
  replace(
    place, el("h2", {}, run.protocol), el("p", { class: "note" }, `${record}: ${facts.filter(Boolean).join(", ")}`),
    el("p", { class: "next" }, `${run.end} ${run.sentence}`),
    run.fault ? el("p", { class: "problem" }, `${run.fault.meaning} ${run.fault.next}`) : null,
    run.stages.length ? table(run.stages) : null,
    run.warnings.length ? el("ul", { class: "warnings" }, ...run.warnings.map((warning) => el("li", {}, warning))) : null,
    run.events.length ? el("h3", {}, "What happened") : null,
    run.events.length ? el("ul", { class: "note" }, ...run.events.map(event)) : null,
  );
}
