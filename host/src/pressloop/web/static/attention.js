// The card that says what the press waits for or what went wrong, and what to do next.
import { isMine } from "./control.js";
import { send, steer } from "./commands.js";
import { $, el, replace, setText } from "./dom.js";
import { duration, figure, plain } from "./format.js";
import { on, state } from "./store.js";
import { show } from "./views.js";

const MAX_REASONS = 2;
const IN_A_HOLD = ["Hold", "Top up"];
let shownKey = "";

function button(text, act, kind = "") {
  return el("button", { type: "button", class: kind, onclick: act }, text);
}

// For commands that need control: without it the button says who can give them.
function command(text, act, kind = "") {
  if (isMine()) return button(text, act, kind);
  const holder = state("control")?.name;
  const why = holder ? `${holder} has control` : "take control first";
  return el("button", { type: "button", "aria-disabled": "true", onclick: act }, `${text} (${why})`);
}

// Each returns {key, tone, title, text, next, buttons}; the key says when to build it anew.
function faultCard(status) {
  const fault = status.further_fault ?? status.fault;
  const also = status.further_fault && status.fault ? ` First there was: ${status.fault.meaning}` : "";
  return {
    key: `fault ${fault?.name}`, tone: "bad", title: `Fault: ${(fault?.name ?? "unknown").replaceAll("-", " ")}`,
    text: (fault?.meaning ?? "") + also, next: fault?.next ?? "",
    buttons: [command("Clear the fault", () => send("clear"))],
  };
}

function promptCard(status) {
  return {
    key: `prompt ${status.step}`, tone: "note", title: "The press waits for you", text: status.prompt,
    next: `Without an answer the pressure is released in ${duration(status.remaining_s)}.`,
    buttons: [command("Done, continue", () => send("confirm", { step: status.step }), "go")],
  };
}

function pausedCard(status) {
  return {
    key: `paused ${status.step}`, tone: "note", title: "Paused", text: `${status.pause} ${status.resting ? "The press stays without pressure, the time of the rest stands." : "The pressure is held, the time of the hold stands."}`.trim(),
    next: "Resume the run, or abort it.", buttons: [command("Resume", () => steer("resume"), "go")],
  };
}

function openHoldCard(status) {
  return {
    key: `open ${status.step}`, tone: "note", title: "Open hold", text: status.open_hold || "This hold lasts until you end it.",
    next: `Within tolerance for ${duration(status.dwell_s)}.`, buttons: [command("End the hold", () => steer("end"), "go")],
  };
}

function ventingCard() {
  return {
    key: "venting", tone: "note", title: "Releasing the pressure",
    text: "Keep the guard closed until the pressure is zero.",
    next: "If the release takes too long: opening the valve fully may crack the pellet.",
    buttons: [command("Open the release valve fully", () => send("dump"))],
  };
}

function resultCard(result) {
  if (result.error) return { key: "error", tone: "bad", title: "The run was lost", text: result.error.message, next: result.error.hint, buttons: [] };
  const good = result.end_reason === "completed" && result.stages.every(({ verdict }) => verdict === "pass");
  const word = result.end_reason === "completed" ? (good ? "Completed" : "Completed, with findings") : "Ended early";
  const failed = result.stages.filter(({ verdict }) => verdict === "fail").flatMap(({ name, reasons }) => reasons.map((reason) => `${name}: ${reason}`)).slice(0, MAX_REASONS);
  return {
    key: `result ${result.record}`, tone: good ? "good" : "bad", title: `${good ? "✓" : "✗"} ${word}`,
    text: `${result.end} ${result.sentence}`, next: [result.fault?.meaning, result.fault?.next, ...failed].filter(Boolean).join(" "),
    buttons: [button("Show the record", () => show(`runs/${encodeURIComponent(result.record)}`))],
  };
}

function restCard(status) {
  const open = status.guard_open ? "The guard is open: close it before you start." : "";
  const stop = status.emergency_stop ? "The emergency stop is pressed: release it before you start." : "";
  return {
    key: `rest ${open}${stop}`, tone: open || stop ? "note" : "quiet", title: "At rest", text: [stop, open].filter(Boolean).join(" ") || "Ready. Choose a protocol to start a run.",
    next: "", buttons: [button("Choose a protocol", () => show("protocols"), "go")],
  };
}

function comesNext(status) {
  const next = state("run")?.stages.find(({ index }) => index > status.stage);
  if (!next) return "Then the run ends: the pressure is released.";
  return next.target_mpa === null ? `Then it waits for you: ${next.prompt}` : `Then comes '${next.name}' with ${plain(next.target_mpa)} MPa.`;
}

function runningCard(status) {
  const lost = state("run")?.host_loss;
  return { key: `running ${lost}`, tone: "quiet", title: status.word, text: status.sentence, next: comesNext(status), note: lost ? `If this program stops, ${lost}.` : "", buttons: [] };
}

function card() {
  const status = state("status");
  const result = state("result");
  const link = state("link");
  if (!status) {
    const error = link?.error;
    return { key: "link", tone: "bad", title: "The press is not connected", text: error?.message ?? "", next: error?.hint ?? "", buttons: [] };
  }
  if (status.state === "fault") return faultCard(status);
  if (status.state === "prompting") return promptCard(status);
  if (status.state === "paused") return pausedCard(status);
  if (status.state === "venting") return ventingCard();
  if (status.state === "running") return status.open_hold !== null && IN_A_HOLD.includes(status.word) ? openHoldCard(status) : runningCard(status);
  return result ? resultCard(result) : restCard(status);
}

function update() {
  const { key, tone, title, text, next, note = "", buttons } = card();
  $("attention").dataset.tone = tone;
  [$("attention").dataset.kind] = key.split(" ");
  setText($("attention-title"), title);
  setText($("attention-text"), text);
  setText($("attention-next"), next);
  const full = `${key} ${isMine()} ${state("control")?.name}`;
  if (full === shownKey) return;
  shownKey = full;
  replace($("attention-buttons"), ...buttons);
  const status = state("status");
  const storage = status?.storage?.length ? [el("p", { class: "problem" }, `The board's flash: ${status.storage.join(", ")}.`)] : [];
  const difference = status?.difference_mpa > 0 && status.state === "fault" ? [el("p", { class: "note" }, `Largest difference of the channels: ${figure(status.difference_mpa)} MPa.`)] : [];
  replace($("attention-more"), note ? el("p", { class: "note" }, note) : null, ...storage, ...difference);
}

export function begin() {
  for (const kind of ["status", "result", "link"]) on(kind, update);
  document.addEventListener("control", update);
}
