// Takes and releases the control of the press, and says who has it.
import { post } from "./api.js";
import * as dialogs from "./dialogs.js";
import { $, setText } from "./dom.js";
import { setUserName, userName } from "./identity.js";
import { notice } from "./notices.js";
import { on, state } from "./store.js";

const button = $("control-button");
const dialog = $("name-dialog");

export const isMine = () => {
  const control = state("control");
  return Boolean(control?.holder) && control.holder === state("you")?.id;
};

function update() {
  const control = state("control");
  const mine = isMine();
  const label = $("control-state");
  label.classList.toggle("is-mine", mine);
  setText(label, mine ? `You (${control.name}) have control` : control?.name ? `${control.name} has control` : "Control is free");
  setText(button, mine ? "Release control" : "Take control");
  document.body.classList.toggle("has-control", mine);
  document.dispatchEvent(new CustomEvent("control"));
}

async function take(name) {
  try {
    await post("control/take", { name });
    return null;
  } catch (error) {
    return error;
  }
}

export async function toggle() {
  if (isMine()) {
    await post("control/release").catch((error) => notice(`${error.message} ${error.hint}`, "bad"));
    return;
  }
  if (!userName()) {
    $("name-problem").textContent = "";
    dialogs.open(dialog);
    return;
  }
  const error = await take(userName());
  if (error) notice(`${error.message} ${error.hint}`, "bad");
}

async function submit(event) {
  event.preventDefault();
  const name = $("name-text").value.trim();
  if (!name) {
    $("name-problem").textContent = "Type your name.";
    return;
  }
  setUserName(name);
  const error = await take(name);
  if (error) $("name-problem").textContent = `${error.message} ${error.hint}`;
  else dialogs.close();
}

export function begin() {
  button.addEventListener("click", toggle);
  dialog.querySelector("form").addEventListener("submit", submit);
  $("name-cancel").addEventListener("click", dialogs.close);
  on("control", update);
  on("you", update);
}
