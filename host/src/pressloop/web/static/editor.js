// Edits a protocol; the validator of the SDK checks it as it is typed.
import { post } from "./api.js";
import { isMine } from "./control.js";
import * as dialogs from "./dialogs.js";
import { $, el, replace, setText } from "./dom.js";
import { notice } from "./notices.js";
import { showPlan } from "./preview.js";
import { openStart } from "./start_dialog.js";
import { on, state } from "./store.js";

const WAIT_MS = 250;
const text = $("editor-text");
const dialog = $("save-dialog");

let file = null; // {id, text, ready, sha256, check} as it was loaded
let check = null;
let timer = 0;
let asked = 0;

export const currentId = () => file?.id ?? null;
const isChanged = () => file !== null && (text.value !== file.text || file.sha256 === null);

export function mayLeave() {
  return file === null || text.value === file.text || confirm("Leave this protocol? What you changed is not saved.");
}

export function edit(loaded) {
  file = loaded;
  text.disabled = false;
  text.value = loaded.text;
  text.scrollTop = 0;
  setText($("editor-title"), loaded.id.replace("ready:", "") || "New protocol");
  show(loaded.check);
  if (!loaded.check) validate();
}

function numberLines() {
  const worst = new Map();
  for (const { line, severity } of check?.findings ?? []) {
    if (line && worst.get(line) !== "error") worst.set(line, severity);
  }
  const count = text.value.split("\n").length;
  const lines = Array.from({ length: count }, (_, i) => {
    const severity = worst.get(i + 1);
    return el("span", { class: severity ? `has-${severity}` : null }, `${severity === "error" ? "✗" : severity ? "!" : ""}${i + 1}`);
  });
  replace($("editor-gutter"), ...lines);
  $("editor-gutter").scrollTop = text.scrollTop;
}

function goTo({ line, column }) {
  if (!line) return text.focus();
  const lines = text.value.split("\n");
  const start = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0) + Math.max(0, (column ?? 1) - 1);
  text.focus();
  text.setSelectionRange(start, start + Math.max(1, lines[line - 1].length - Math.max(0, (column ?? 1) - 1)));
  text.scrollTop = Math.max(0, (line - 4) * 20);
}

function finding(one) {
  const place = one.line ? `Line ${one.line}${one.column ? `, column ${one.column}` : ""}` : one.path;
  return el(
    "li", { class: "finding", "data-severity": one.severity },
    el("button", { type: "button", onclick: () => goTo(one) },
      el("b", {}, `${one.severity === "error" ? "✗ Error" : "! Warning"}: ${one.message}`), one.hint, el("small", {}, `${place} · ${one.code}`)),
  );
}

function show(result) {
  check = result;
  const findings = result?.findings ?? [];
  const errors = findings.filter(({ severity }) => severity === "error").length;
  let words = "Checking…";
  if (result) words = result.checked_for === null ? "No press is connected: only the form is checked" : errors ? `${errors} error${errors > 1 ? "s" : ""}` : findings.length ? `Valid, ${findings.length} to look at` : `✓ Valid for ${result.checked_for}`;
  setText($("editor-findings-title"), words);
  replace($("editor-findings"), ...findings.map(finding));
  numberLines();
  if (result) showPlan(result.plan, text.value, file?.id ?? "");
  update();
}

async function validate() {
  const number = ++asked;
  try {
    const result = await post("validate", { text: text.value, id: file.id || "the protocol" });
    if (number === asked) show(result);
  } catch (error) {
    notice(`${error.message} ${error.hint}`, "bad");
  }
}

function update() {
  const changed = isChanged();
  setText($("editor-state"), file === null ? "" : file.ready && !changed ? "ready-made" : changed ? "not saved" : "saved");
  $("editor-save").disabled = !file || file.ready || !file.id || !changed || !isMine();
  $("editor-save-as").disabled = !file || !isMine();
  const status = state("status");
  const start = $("editor-start");
  let reason = "";
  if (!file) reason = "Choose a protocol first.";
  else if (!check?.valid) reason = "Correct the errors first.";
  else if (changed) reason = "Save it first: what is pressed is what is in the file.";
  else if (!status) reason = "The press is not connected.";
  else if (!isMine()) reason = "Take control first.";
  else if (status.state !== "idle") reason = `The press is not at rest: ${status.word}.`;
  start.disabled = Boolean(reason);
  start.title = reason;
  $("rehearse").disabled = !check?.valid;
}

async function save(id, known) {
  const saved = await post("protocols/save", { id, text: text.value, known_sha256: known });
  file = { ...file, id: saved.id, text: text.value, ready: false, sha256: saved.sha256 };
  setText($("editor-title"), saved.id);
  notice(`Saved ${saved.id}.`, "good");
  update();
  document.dispatchEvent(new CustomEvent("saved"));
}

export function begin() {
  text.addEventListener("input", () => {
    asked += 1;
    clearTimeout(timer);
    timer = setTimeout(validate, WAIT_MS);
    setText($("editor-findings-title"), "Checking…");
    check = null;
    numberLines();
    update();
  });
  text.addEventListener("scroll", () => {
    $("editor-gutter").scrollTop = text.scrollTop;
  });
  $("editor-save").addEventListener("click", () => save(file.id, file.sha256).catch((error) => notice(`${error.message} ${error.hint}`, "bad")));
  $("editor-save-as").addEventListener("click", () => {
    $("save-name").value = file.ready ? `${file.id.replace("ready:", "my-")}.yaml` : file.id || "new-protocol.yaml";
    $("save-problem").textContent = "";
    dialogs.open(dialog);
  });
  $("save-cancel").addEventListener("click", dialogs.close);
  dialog.querySelector("form").addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      await save($("save-name").value.trim(), null);
      dialogs.close();
    } catch (error) {
      $("save-problem").textContent = `${error.message} ${error.hint}`;
    }
  });
  $("editor-start").addEventListener("click", () => openStart(file, check.plan));
  on("status", update);
  on("machine", () => file && validate());
  document.addEventListener("control", update);
}
