// Says changes to screen readers: politely what goes on, at once what a person must know now.
import { $ } from "./dom.js";
import { on } from "./store.js";

const said = $("said");
const alarm = $("alarm");

function say(element, text) {
  if (!text || element.textContent === text) return;
  element.textContent = text;
}

on("status", (status) => {
  if (!status) return;
  if (status.state === "fault") say(alarm, `${status.sentence} ${status.fault?.meaning ?? ""} ${status.fault?.next ?? ""}`);
  else if (status.state === "prompting") say(alarm, status.sentence);
  else say(said, status.sentence);
});

on("result", (result) => {
  if (result?.sentence) say(said, `${result.end} ${result.sentence}`);
});

export const announce = (text) => say(said, text);
