// Draws what a protocol asks for before anything moves, and how an emulated press like this one
// follows it.
import { post } from "./api.js";
import { Chart } from "./chart.js";
import { $, el, replace, setText } from "./dom.js";
import { figure, plain, span } from "./format.js";
import { notice } from "./notices.js";

let plan = null;
let source = { text: "", id: "" };
let rehearsed = null;

function picture() {
  if (!plan) return { from: 0, to: 60, curves: [], empty: "no curve: the protocol has errors" };
  const { t, p } = plan.curve;
  const end = Math.max(1, t.at(-1), rehearsed?.t.at(-1) ?? 0);
  const curves = [{ t, lo: p, hi: p, color: "setpoint", dash: [7, 5], width: 2 }];
  if (rehearsed) curves.push({ t: rehearsed.t, lo: rehearsed.lo, hi: rehearsed.hi, color: "pressure", width: 2 });
  const bands = plan.stages.filter(({ prompt }) => !prompt).map(({ name, start_s: from, expected_s: length }) => ({ from, to: from + length, name }));
  const marks = plan.marks.map(({ t: at, kind }) => ({ t: at, text: kind === "prompt" ? "you answer" : "you end it" }));
  return { from: 0, to: end, atLeast: plan.highest_mpa, curves, bands, marks };
}

const chart = new Chart($("preview-chart"), picture);

function stageRow({ name, prompt, target_mpa: target, force_kn: force, expected_s: length, open }) {
  return el(
    "li", {}, el("span", {}, prompt ? `? ${prompt}` : name),
    el("span", {}, target === null ? "" : `${plain(target)} MPa${force ? ` · ${figure(force)} kN` : ""}`),
    el("span", {}, prompt ? "waits for you" : open ? "until you end it" : span(length)),
  );
}

export function showPlan(newPlan, text, id) {
  plan = newPlan;
  source = { text, id };
  rehearsed = null;
  setText(
    $("preview-summary"),
    plan ? `${plan.name}: up to ${plan.highest}; ceiling ${plain(plan.ceiling_mpa)} MPa; at least ${span(plan.expected_s)} without the approach and without waiting for you.` : "",
  );
  $("preview-chart").setAttribute("aria-label", plan ? `Predicted pressure over time, up to ${plan.highest}, ${span(plan.expected_s)}` : "No predicted curve");
  replace($("preview-stages"), ...(plan?.stages ?? []).map(stageRow));
  chart.schedule();
}

$("rehearse").addEventListener("click", async () => {
  const button = $("rehearse");
  const asked = source;
  button.disabled = true;
  setText(button, "Rehearsing…");
  try {
    const result = await post("rehearse", { text: asked.text, id: asked.id || "the protocol" });
    if (asked === source) {
      rehearsed = result.curve;
      notice(`Rehearsal on an emulated press with this profile: ${result.end_reason}.`, result.end_reason === "completed" ? "good" : "bad");
      chart.schedule();
    }
  } catch (error) {
    notice(`${error.message} ${error.hint}`, "bad");
  }
  setText(button, "Rehearse");
  button.disabled = !plan;
});

