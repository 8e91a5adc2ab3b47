// Lays the curves of several runs over each other, each with its own line pattern and number, and
// zooms into them: a window of a week is asked from the server in as many points as fit.
import { get } from "./api.js";
import { Chart } from "./chart.js";
import { $, el, replace, setText } from "./dom.js";
import { duration } from "./format.js";
import { notice } from "./notices.js";

const LOOKS = [
  ["pressure", []], ["setpoint", [9, 4]], ["good", [3, 3]], ["bad", [12, 3, 3, 3]], ["text", [5, 5]], ["muted", [16, 5]],
];
const MIN_SPAN_S = 0.2;
const POINTS_PER_PIXEL = 4; // the next coarser level has a quarter of them
const WAIT_MS = 120;

const canvas = $("overlay-chart");
const runs = []; // {row, curve, look}
let view = null; // {from, to} in s; null is all of it
let timer = 0;

export const has = (record) => runs.some(({ row }) => row.record === record);
const longest = () => Math.max(1, ...runs.map(({ curve }) => curve?.end_s ?? 0));
const shown = () => view ?? { from: 0, to: longest() };

function picture() {
  const { from, to } = shown();
  const curves = runs.filter(({ curve }) => curve).map(({ curve, look }) => ({ t: curve.t, lo: curve.lo, hi: curve.hi, gaps: curve.gaps, color: LOOKS[look][0], dash: LOOKS[look][1], width: 2 }));
  return { from, to, curves, fit: true, empty: runs.length ? "" : "tick a run to see its curve" };
}

const chart = new Chart(canvas, picture);

function legend() {
  replace(
    $("overlay-legend"),
    ...runs.map(({ row, look }, i) => {
      const sample = el("canvas", { width: 88, height: 24, "aria-hidden": "true" });
      const c = sample.getContext("2d");
      c.scale(2, 2);
      c.strokeStyle = getComputedStyle(canvas).getPropertyValue(`--${LOOKS[look][0]}`);
      c.setLineDash(LOOKS[look][1]);
      c.lineWidth = 2.5;
      c.beginPath();
      c.moveTo(0, 6);
      c.lineTo(44, 6);
      c.stroke();
      return el("li", {}, sample, `${i + 1}. ${row.protocol || row.record}, ${row.moment}`);
    }),
  );
}

async function fetchAll() {
  const { from, to } = shown();
  const points = Math.round(canvas.clientWidth * POINTS_PER_PIXEL) || 1000;
  const window = view ? { from, to } : {};
  await Promise.all(
    runs.map(async (run) => {
      try {
        run.curve = await get("curve", { id: run.row.record, points, ...window });
      } catch (error) {
        notice(`${error.message} ${error.hint}`, "bad");
      }
    }),
  );
  const levels = runs.map(({ curve }) => curve?.level ?? 0);
  const coarse = levels.some((level) => level > 0);
  setText($("overlay-note"), runs.length ? `${duration(from)} to ${duration(shown().to)}. ${coarse ? "Each point shows the smallest and largest of several records; zoom in to see every record." : "Every record that was kept is shown."}` : "");
  canvas.setAttribute("aria-label", `Pressure of ${runs.length} run${runs.length === 1 ? "" : "s"} over time, ${duration(from)} to ${duration(shown().to)}`);
  chart.schedule();
}

function refresh() {
  chart.schedule();
  clearTimeout(timer);
  timer = setTimeout(fetchAll, WAIT_MS);
}

export function toggle(row, wanted) {
  const at = runs.findIndex((run) => run.row.record === row.record);
  if (!wanted && at >= 0) runs.splice(at, 1);
  if (wanted && at < 0) {
    const look = LOOKS.findIndex((_, i) => !runs.some((run) => run.look === i));
    if (look < 0) return notice(`Up to ${LOOKS.length} runs can be shown at once; untick one first.`, "bad");
    runs.push({ row, curve: null, look });
  }
  legend();
  return refresh();
}

function zoom(factor, center = null) {
  const { from, to } = shown();
  const middle = center ?? (from + to) / 2;
  const span = Math.max(MIN_SPAN_S, Math.min(longest(), (to - from) * factor));
  const share = (middle - from) / (to - from);
  const start = Math.max(0, Math.min(longest() - span, middle - share * span));
  view = span >= longest() ? null : { from: start, to: start + span };
  refresh();
}

function pan(share) {
  if (!view) return;
  const span = view.to - view.from;
  const from = Math.max(0, Math.min(longest() - span, view.from + share * span));
  view = { from, to: from + span };
  refresh();
}

function whole() {
  view = null;
  refresh();
}

const KEYS = { "+": () => zoom(0.5), "=": () => zoom(0.5), "-": () => zoom(2), ArrowLeft: () => pan(-0.25), ArrowRight: () => pan(0.25), Home: whole };

export function begin() {
  $("zoom-in").addEventListener("click", () => zoom(0.5));
  $("zoom-out").addEventListener("click", () => zoom(2));
  $("zoom-left").addEventListener("click", () => pan(-0.5));
  $("zoom-right").addEventListener("click", () => pan(0.5));
  $("zoom-all").addEventListener("click", whole);
  canvas.addEventListener("keydown", (event) => {
    const act = KEYS[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
  canvas.addEventListener("wheel", (event) => {
    if (!runs.length) return;
    event.preventDefault();
    zoom(event.deltaY > 0 ? 1.25 : 0.8, chart.timeAt(event.offsetX));
  }, { passive: false });
  let grip = null;
  canvas.addEventListener("pointerdown", (event) => {
    if (!view) return;
    grip = { x: event.clientX, ...view };
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!grip) return;
    const span = grip.to - grip.from;
    const from = Math.max(0, Math.min(longest() - span, grip.from - ((event.clientX - grip.x) / chart.area.w) * span));
    view = { from, to: from + span };
    refresh();
  });
  canvas.addEventListener("pointerup", () => {
    grip = null;
  });
  document.addEventListener("theme", legend);
}
