// The display: the big figure, setpoint, force, deviation, state and time left.
import { $, setText } from "./dom.js";
import { duration, figure, plain, signed } from "./format.js";
import { on, state } from "./store.js";

const GLYPHS = {
  "At rest": "○", Approach: "⇣", "Ramp up": "▲", "Ramp down": "▼", Settling: "≈", Hold: "■", "Top up": "⇡",
  "Rest at zero": "◌",
  Paused: "❚❚", "Waiting for you": "?", Releasing: "⤓", Fault: "!",
};
const METER_BANDS = 2; // the scale is twice as wide as the tolerance on each side
const MPA_PER_BAR = 0.1;

let pressure = null;
let setpoint = null;

function showPressure() {
  const text = figure(pressure);
  setText($("pressure"), text);
  setText($("rail-pressure"), text);
  setText($("setpoint"), state("status")?.stage === null ? figure(null) : figure(setpoint));
  const die = state("run")?.die_mm;
  const isLoaded = die && state("status") && state("status").state !== "idle" && pressure !== null;
  const force = isLoaded ? (pressure * Math.PI * die * die) / 4 / 1000 : null;
  setText($("force"), figure(force, 2));
}

function showTitle() {
  document.title = `${figure(pressure)} MPa ${state("status")?.word ?? ""} – Pressloop`;
}

function showMeter(status) {
  const meter = $("meter");
  const tolerance = status.tolerance_mpa;
  const isOn = tolerance && status.state === "running" && pressure !== null;
  meter.classList.toggle("is-off", !isOn);
  if (!isOn) {
    setText($("meter-value"), "no hold in progress");
    setText($("meter-low"), "");
    setText($("meter-high"), "");
    return;
  }
  const deviation = pressure - status.target_mpa;
  const share = Math.max(-1, Math.min(1, deviation / tolerance / METER_BANDS));
  $("meter-needle").style.left = `${50 + 50 * share}%`;
  const inside = Math.abs(deviation) <= tolerance;
  setText($("meter-value"), `${signed(deviation)} MPa: ${inside ? "within" : "outside"} ±${plain(tolerance)} MPa`);
  setText($("meter-low"), `−${plain(tolerance * METER_BANDS)}`);
  setText($("meter-high"), `+${plain(tolerance * METER_BANDS)}`);
}

function reading(id, value, digits) {
  setText($(id), figure(value, digits));
  $(id).closest(".reading").classList.toggle("is-absent", value === null || value === undefined);
}

on("frame", (frame) => {
  if (!frame.p.length) return;
  pressure = frame.p.at(-1);
  setpoint = frame.s.at(-1);
});

on("status", (status) => {
  const display = document.querySelector(".display");
  if (!status) {
    pressure = setpoint = null;
    display.dataset.tone = "";
    setText($("state-word"), "Not connected");
    setText($("rail-state"), "Not connected");
    setText($("state-glyph"), "○");
    setText($("state-stage"), "");
    setText($("state-left"), "");
    showPressure();
    return;
  }
  pressure ??= status.pressure_mpa;
  setpoint ??= status.setpoint_mpa;
  display.dataset.tone = status.state === "fault" ? "bad" : "";
  setText($("state-glyph"), GLYPHS[status.word] ?? "•");
  setText($("state-word"), status.word);
  setText($("rail-state"), status.stage_name ? `${status.word}: ${status.stage_name}` : status.word);
  setText($("state-stage"), status.stage_name ?? "");
  const left = status.state === "running" && status.remaining_s > 0 ? `${duration(status.remaining_s)} left` : "";
  setText($("state-left"), left);
  const isRun = status.stage !== null;
  reading("target", isRun ? status.target_mpa : null, 1);
  const die = state("run")?.die_mm;
  reading("target-force", isRun && die ? (status.target_mpa * Math.PI * die * die) / 4 / 1000 : null, 2);
  reading("second", status.second_mpa, 1);
  reading("oil", status.oil_mpa === null ? null : status.oil_mpa / MPA_PER_BAR, 1);
  showMeter(status);
});

// The figure changes ten times a second: more cannot be read.
setInterval(showPressure, 100);
setInterval(showTitle, 1000);
