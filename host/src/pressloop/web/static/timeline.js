// The stages of the run in order: what is done, what goes on and for how long, what comes.
import { $, el, replace, setText } from "./dom.js";
import { duration, figure, plain, span } from "./format.js";
import { on, state } from "./store.js";

const VERDICTS = { pass: "✓ pass", fail: "✗ fail", "not reached": "○ not reached" };
const MIN_GROW = 0.06; // share of the width that the shortest stage gets
let items = [];

function stageItem(stage, total) {
  const isPrompt = stage.target_mpa === null;
  const target = isPrompt ? "" : `${plain(stage.target_mpa)} MPa${stage.force_kn === null ? "" : ` · ${figure(stage.force_kn, 1)} kN`}`;
  const fill = el("span", { class: "stage-fill", "aria-hidden": "true" });
  const stateText = el("span", { class: "stage-state" }, "");
  const item = el(
    "li", { class: `stage${isPrompt ? " is-prompt" : ""}`, title: stage.prompt ?? stage.name },
    el("span", { class: "stage-name" }, isPrompt ? (stage.prompt ?? stage.name) : stage.name),
    el("span", { class: "stage-target" }, target), stateText, fill,
  );
  if (!isPrompt) item.style.flexGrow = String(Math.max(MIN_GROW * total, stage.expected_s) / (total || 1));
  return { stage, item, stateText, fill };
}

function words(stage, place, status) {
  if (place === "done") return "✓ done";
  if (place === "later") return stage.target_mpa === null ? "○ you answer" : `○ ${stage.open ? "until you end it" : span(stage.expected_s)}`;
  if (status.state === "prompting") return "▶ waits for you";
  if (status.state === "paused") return "❚❚ paused";
  if (status.open_hold !== null) return "▶ until you end it";
  if (status.stage_left_s > 0) return `▶ ${duration(status.stage_left_s)} left`;
  return "▶ now";
}

const verdictOf = ({ name }, result) => result?.stages?.find((row) => row.name === name)?.verdict;

// A prompt has no verdict: it was answered if a stage behind it was reached.
function wasReached(stage, result) {
  return items.some(({ stage: other }) => other.index >= stage.index && ["pass", "fail"].includes(verdictOf(other, result)));
}

function update() {
  const status = state("status");
  const result = state("result");
  if (!items.length) return;
  const now = status && status.stage !== null ? status.stage : null;
  items.forEach(({ stage, item, stateText, fill }) => {
    let place = "later";
    if (now !== null) place = stage.index < now ? "done" : stage.index === now ? "now" : "later";
    else if (result?.stages) place = wasReached(stage, result) ? "done" : "later";
    else if (status?.state === "venting") place = stage.index <= lastStage ? "done" : "later";
    if (place === "now") lastStage = stage.index;
    const verdict = now === null ? verdictOf(stage, result) : undefined;
    const text = verdict ? VERDICTS[verdict] : words(stage, place, status);
    item.dataset.state = place;
    item.dataset.verdict = verdict ?? "";
    if (place === "now") item.setAttribute("aria-current", "step");
    else item.removeAttribute("aria-current");
    setText(stateText, text);
    if (place === "now") {
      const share = stage.expected_s > 0 ? 1 - (status.stage_left_s ?? 0) / stage.expected_s : 0;
      fill.style.width = `${100 * Math.max(0, Math.min(1, share))}%`;
    } else fill.style.width = "";
  });
  setText($("run-left"), now !== null && status.run_left_s > 0 ? `at least ${duration(status.run_left_s)} to the end` : "");
}

let lastStage = -1;

on("run", (run) => {
  lastStage = -1;
  items = [];
  if (!run) {
    replace($("timeline"), el("li", { class: "note" }, "No run yet. Choose a protocol to start one."));
    setText($("run-name"), "");
    return;
  }
  const total = run.stages.reduce((sum, stage) => sum + stage.expected_s, 0);
  items = run.stages.map((stage) => stageItem(stage, total));
  replace($("timeline"), ...items.map(({ item }) => item));
  setText($("run-name"), `${run.protocol}${run.die_mm ? `, ${plain(run.die_mm)} mm die` : ""}`);
  update();
});
on("status", update);
on("result", update);
