// Asks once more before the press moves, and for the die that a person has read off.
import { RequestError, post } from "./api.js";
import * as dialogs from "./dialogs.js";
import { $, el, replace, setText } from "./dom.js";
import { plain, span } from "./format.js";
import { notice } from "./notices.js";
import { state } from "./store.js";
import { show } from "./views.js";

const dialog = $("start-dialog");
const WITHOUT = "Without one the record names no sample, lot or operator; 'pressloop sample' can add them later.";
let chosen = null;
let sample = null; // {sample, sample_name}

const row = (name, value) => el("div", {}, el("dt", {}, name), el("dd", {}, value));

export function openStart(file, plan) {
  chosen = file;
  const simulated = state("machine")?.simulated;
  replace(
    $("start-summary"), row("Protocol", `${plan.name} (${file.id})`), row("Highest pressure", plan.highest), row("Ceiling", `${plain(plan.ceiling_mpa)} MPa`),
    row("Die", `${plain(plan.die_mm)} mm`), row("Time, at least", span(plan.expected_s)), row("Press", `${state("machine")?.name ?? ""}${simulated ? ", simulated" : ""}`),
  );
  setText($("start-die-help"), simulated ? "A simulated press has the die of the protocol; you may leave this empty." : "No sensor tells one die from another: a smaller die than the protocol's gives more pressure than is shown.");
  $("start-die").value = "";
  $("start-problem").textContent = "";
  $("start-sample").value = "";
  takeSample();
  dialogs.open(dialog, $("start-die"));
}

// Shows what the file gives, and the names of the fields that neither it nor the protocol has.
async function takeSample() {
  const [says, go] = [$("start-sample-says"), $("start-go")];
  const file = $("start-sample").files[0];
  sample = null;
  says.classList.remove("problem");
  setText(says, file ? "" : WITHOUT);
  go.disabled = Boolean(file);
  if (!file) return;
  let problem = "This file cannot be read.";
  try {
    const read = { sample: await file.text(), sample_name: file.name };
    const view = await post("sample", { id: chosen.id, ...read });
    if (file !== $("start-sample").files[0]) return;
    problem = view.problem;
    if (!problem) {
      sample = read;
      go.disabled = false;
      setText(says, `Given: ${view.given.map(([name, value]) => `${name} ${value}`).join("; ") || "nothing"}. Not given: ${view.missing.join(", ") || "nothing"}.`);
      return;
    }
  } catch (error) {
    if (error instanceof RequestError) problem = `${error.message} ${error.hint}`;
  }
  says.classList.add("problem");
  setText(says, `${problem} Choose another file, or none.`);
}

async function start() {
  const go = $("start-go");
  go.disabled = true;
  $("start-problem").textContent = "";
  try {
    const { record } = await post("start", { id: chosen.id, sha256: chosen.sha256, die: $("start-die").value, ...sample });
    dialogs.close();
    notice(`Started ${chosen.id}; the record is ${record}.`, "good");
    show("press");
  } catch (error) {
    const findings = error.findings.map(({ message }) => message).join(" ");
    $("start-problem").textContent = `${error.message} ${findings} ${error.hint}`;
  }
  go.disabled = false;
}

export function begin() {
  $("start-cancel").addEventListener("click", dialogs.close);
  $("start-sample").addEventListener("change", takeSample);
  $("start-go").addEventListener("click", start);
  dialog.querySelector("form").addEventListener("submit", (event) => {
    // Enter in the field must not start a press: the button is pressed for that.
    event.preventDefault();
  });
}
