// The curve of the run in progress, or of the last seconds: the whole run is kept by the server too,
// so that a page that is loaded again shows all of it.
import { Chart } from "./chart.js";
import { CurveBuffer } from "./curve_buffer.js";
import { $ } from "./dom.js";
import { duration, figure } from "./format.js";
import { on, state } from "./store.js";

const MIN_SHOWN_S = 20;
const DESCRIBE_MS = 5000;

const run = new CurveBuffer();
const recent = new CurveBuffer();
let [epoch, startS, endS, newestTick] = [-1, null, null, 0];
let chosen = "run";
let described = false;

function fill({ run: coarse, recent: fine, ...rest }) {
  epoch = rest.epoch;
  startS = rest.start_s;
  endS = rest.end_s;
  run.clear();
  recent.clear();
  const fineFrom = fine.t.length ? fine.t[0] : Infinity;
  coarse.t.forEach((t, i) => t < fineFrom && run.push(t, coarse.lo[i], coarse.hi[i], coarse.s[i]));
  fine.t.forEach((t, i) => {
    recent.push(t, fine.lo[i], fine.hi[i], fine.s[i]);
    if (startS !== null && t >= startS && (endS === null || t <= endS)) run.push(t, fine.lo[i], fine.hi[i], fine.s[i]);
  });
}

function add(frame) {
  newestTick = frame.tick;
  if (frame.epoch !== epoch) return;
  frame.t.forEach((t, i) => {
    recent.push(t, frame.p[i], frame.p[i], frame.s[i]);
    if (startS !== null && t >= startS && endS === null) run.push(t, frame.p[i], frame.p[i], frame.s[i]);
  });
}

function picture() {
  const wholeRun = chosen === "run" && startS !== null;
  const buffer = wholeRun ? run : recent;
  const zero = wholeRun ? startS : (recent.end ?? 0);
  const span = wholeRun ? Math.max(MIN_SHOWN_S, (buffer.end ?? zero) - zero) : Number(chosen) || 120;
  const [from, to] = wholeRun ? [0, span] : [-span, 0];
  const { t, lo, hi, s } = buffer;
  const status = state("status");
  return {
    from, to, tick: newestTick, atLeast: status?.stage !== null ? (status?.target_mpa ?? 0) : 0,
    curves: [
      { t, lo: s, hi: s, offset: -zero, color: "setpoint", dash: [7, 5], width: 1.5 },
      { t, lo, hi, offset: -zero, color: "pressure", width: 2 },
    ],
    empty: buffer.length ? "" : "no data yet",
  };
}

const chart = new Chart($("live-chart"), picture);
// What was drawn, for those who measure how old it is.
chart.onDrawn = ({ tick }) => document.dispatchEvent(new CustomEvent("drawn", { detail: tick }));

function describe() {
  const status = state("status");
  if (!status) return;
  described = true;
  const elapsed = status.elapsed_s === null ? "" : ` after ${duration(status.elapsed_s)}`;
  $("live-chart").setAttribute("aria-label", `Pressure and setpoint over time. ${figure(status.pressure_mpa)} MPa${elapsed}. ${status.sentence}`);
}

export function begin() {
  on("curve", (curve) => {
    fill(curve);
    chart.schedule();
  });
  on("frame", (frame) => {
    add(frame);
    chart.schedule();
  });
  for (const button of document.querySelectorAll("[data-window]")) {
    button.addEventListener("click", () => {
      chosen = button.dataset.window;
      for (const other of document.querySelectorAll("[data-window]")) other.setAttribute("aria-pressed", String(other === button));
      chart.schedule();
    });
  }
  on("status", () => described || describe());
  setInterval(describe, DESCRIBE_MS);
}
