// The buttons that steer the run. Abort is for every page; the others need control.
import { post } from "./api.js";
import { isMine } from "./control.js";
import { $ } from "./dom.js";
import { userName } from "./identity.js";
import { notice } from "./notices.js";
import { on, state } from "./store.js";

const ABORT_SHOWN_MS = 1500;
const buttons = [...document.querySelectorAll("[data-command]")];

export async function send(path, data) {
  try {
    const outcome = await post(path, data);
    if (outcome.message) notice(outcome.message, outcome.done ? "note" : "bad");
    return outcome.done;
  } catch (error) {
    notice(`${error.message} ${error.hint}`, "bad");
    return false;
  }
}

export async function abort() {
  const button = $("abort");
  button.classList.add("is-sent");
  try {
    const outcome = await post("abort", { name: userName() || "a page" });
    if (!outcome.done) notice(outcome.message, "bad");
  } catch (error) {
    notice(`The abort was not sent. ${error.message} ${error.hint}`, "bad");
  }
  setTimeout(() => button.classList.remove("is-sent"), ABORT_SHOWN_MS);
}

// A button that would have no effect stays focusable and says why.
function obstacle(command) {
  const status = state("status");
  if (!status) return "The press is not connected.";
  if (!isMine()) return state("control")?.name ? `${state("control").name} has control.` : "Take control first.";
  return status.obstacles[command] ?? "";
}

export function steer(command) {
  const reason = obstacle(command);
  if (reason) notice(reason, "bad");
  else send("steer", { command });
}

function update() {
  for (const button of buttons) {
    const reason = obstacle(button.dataset.command);
    if (button.getAttribute("aria-disabled") !== String(Boolean(reason))) button.setAttribute("aria-disabled", String(Boolean(reason)));
    if (button.title !== reason) button.title = reason;
  }
}

export function begin() {
  for (const button of buttons) button.addEventListener("click", () => steer(button.dataset.command));
  // A touch aborts when it begins: it must not depend on where the finger leaves.
  $("abort").addEventListener("pointerdown", (event) => {
    if (event.button === 0) abort();
  });
  $("abort").addEventListener("click", (event) => {
    if (event.detail === 0) abort(); // by keyboard or a screen reader
  });
  on("status", update);
  document.addEventListener("control", update);
}
