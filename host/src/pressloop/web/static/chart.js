// Draws curves over time on a canvas, sharp on every screen. Where a column of pixels has many
// points it shows the smallest and the largest, so that no peak is lost.
import { pressureTicks, timeTicks } from "./axis.js";

const MARGIN = { left: 52, right: 14, top: 22, bottom: 26 };
const HEADROOM = 0.06;
const MIN_SPAN_MPA = 10;
const MIN_FIT_MPA = 0.5;
const EPSILON_S = 0.02;

export class Chart {
  // `picture()` returns what to draw: {from, to, curves, bands, marks, empty}.
  // A curve is {t, lo, hi, offset, color, dash, width, gaps}; its line breaks at gaps {from, to}.
  constructor(canvas, picture) {
    this.canvas = canvas;
    this.picture = picture;
    this.context = canvas.getContext("2d");
    this.scheduled = false;
    this.onDrawn = null;
    // Asking for sizes and colours at each picture would make the browser lay out the page anew.
    this.size = { width: 0, height: 0 };
    this.colors = new Map();
    new ResizeObserver(([{ contentRect: { width, height } }]) => {
      this.size = { width, height };
      this.schedule();
    }).observe(canvas);
    document.addEventListener("theme", () => {
      this.colors.clear();
      this.schedule();
    });
  }

  color(name) {
    if (!this.colors.has(name)) {
      this.colors.set(name, getComputedStyle(this.canvas).getPropertyValue(`--${name}`).trim() || name);
    }
    return this.colors.get(name);
  }

  // Draw once before the next picture of the screen, however often it is asked for.
  schedule() {
    if (this.scheduled) return;
    this.scheduled = true;
    requestAnimationFrame(() => {
      this.scheduled = false;
      this.draw();
    });
  }

  draw() {
    const { width, height } = this.size;
    if (!width || !height) return;
    const scale = devicePixelRatio || 1;
    const [pixels, rows] = [Math.round(width * scale), Math.round(height * scale)];
    if (this.canvas.width !== pixels || this.canvas.height !== rows) [this.canvas.width, this.canvas.height] = [pixels, rows];
    this.context.setTransform(scale, 0, 0, scale, 0, 0);
    this.context.clearRect(0, 0, width, height);
    this.context.font = `12px ${this.color("sans")}`;
    const picture = this.picture();
    this.area = { x: MARGIN.left, y: MARGIN.top, w: Math.max(1, width - MARGIN.left - MARGIN.right), h: Math.max(1, height - MARGIN.top - MARGIN.bottom) };
    this.time = { from: picture.from, to: Math.max(picture.to, picture.from + 1e-3) };
    const shown = picture.curves.map((curve) => ({ curve, ...this.#range(curve) }));
    this.pressure = this.#pressureRange(shown, picture);
    this.#drawBands(picture.bands ?? []);
    this.#drawGrid(width, height);
    this.context.save();
    this.context.beginPath();
    this.context.rect(this.area.x, this.area.y - 1, this.area.w, this.area.h + 2);
    this.context.clip();
    for (const { curve, first, last } of shown) this.#drawCurve(curve, first, last, curve.gaps ?? []);
    this.context.restore();
    this.#drawMarks(picture.marks ?? []);
    if (picture.empty) this.#drawEmpty(picture.empty);
    this.onDrawn?.(picture);
  }

  x = (t) => this.area.x + ((t - this.time.from) / (this.time.to - this.time.from)) * this.area.w;
  y = (p) => this.area.y + (1 - (p - this.pressure.from) / (this.pressure.to - this.pressure.from)) * this.area.h;
  timeAt = (x) => this.time.from + ((x - this.area.x) / this.area.w) * (this.time.to - this.time.from);

  // The points of a curve in the window, with one more on each side.
  #range({ t, offset = 0 }) {
    const search = (time) => {
      let [low, high] = [0, t.length];
      while (low < high) {
        const middle = (low + high) >> 1;
        if (t[middle] + offset < time) low = middle + 1;
        else high = middle;
      }
      return low;
    };
    return { first: Math.max(0, search(this.time.from) - 1), last: Math.min(t.length, search(this.time.to) + 1) };
  }

  // The range starts at zero, unless `fit` is wanted and all values are far from it.
  #pressureRange(shown, { atLeast = 0, fit = false }) {
    let [low, high] = fit ? [Infinity, atLeast] : [0, atLeast];
    for (const { curve, first, last } of shown) {
      for (let i = first; i < last; i += 1) {
        if (curve.lo[i] < low) low = curve.lo[i];
        if (curve.hi[i] > high) high = curve.hi[i];
      }
    }
    if (fit && low > high / 2 && low < high) {
      const room = Math.max(MIN_FIT_MPA, high - low) * HEADROOM;
      return { from: low - room, to: high + room };
    }
    low = Math.min(low, 0);
    const room = Math.max(MIN_SPAN_MPA, high - low) * HEADROOM;
    return { from: low < -0.5 ? low - room : 0, to: Math.max(high, low + MIN_SPAN_MPA) + room };
  }

  #drawGrid(width, height) {
    const { context: c, area } = this;
    c.lineWidth = 1;
    c.strokeStyle = this.color("grid");
    c.fillStyle = this.color("muted");
    c.textAlign = "right";
    c.textBaseline = "middle";
    for (const { value, text } of pressureTicks(this.pressure.from, this.pressure.to, Math.max(2, area.h / 36))) {
      const y = Math.round(this.y(value)) + 0.5;
      c.beginPath();
      c.moveTo(area.x, y);
      c.lineTo(area.x + area.w, y);
      c.stroke();
      c.fillText(text, area.x - 7, y);
    }
    c.textAlign = "center";
    c.textBaseline = "top";
    for (const { value, text } of timeTicks(this.time.from, this.time.to, Math.max(2, area.w / 90))) {
      const x = Math.round(this.x(value)) + 0.5;
      c.beginPath();
      c.moveTo(x, area.y + area.h);
      c.lineTo(x, area.y + area.h + 4);
      c.stroke();
      const half = c.measureText(text).width / 2;
      c.fillText(text, Math.min(width - half - 2, Math.max(half + 2, x)), area.y + area.h + 7);
    }
    c.textAlign = "left";
    c.fillText("MPa", 4, 3);
  }

  #drawBands(bands) {
    const { context: c, area } = this;
    bands.forEach(({ from, to, name }, index) => {
      const [left, right] = [Math.max(area.x, this.x(from)), Math.min(area.x + area.w, this.x(to))];
      if (right <= left) return;
      if (index % 2 === 0) {
        c.fillStyle = this.color("shade");
        c.fillRect(left, area.y, right - left, area.h);
      }
      if (name && c.measureText(name).width < right - left - 8) {
        c.fillStyle = this.color("muted");
        c.textAlign = "center";
        c.textBaseline = "bottom";
        c.fillText(name, (left + right) / 2, area.y + area.h - 4);
      }
    });
  }

  #drawCurve(curve, first, last, gaps) {
    const { context: c } = this;
    const offset = curve.offset ?? 0;
    c.strokeStyle = this.color(curve.color);
    c.lineWidth = curve.width ?? 2;
    c.setLineDash(curve.dash ?? []);
    c.lineJoin = "round";
    c.beginPath();
    let [column, low, high, open, previous, y] = [null, 0, 0, false, null, 0];
    const flush = () => {
      if (column === null) return;
      // From the end that is nearer to where the line is: a ramp then shows no teeth.
      let [near, far] = [this.y(high), this.y(low)];
      if (open && Math.abs(y - far) < Math.abs(y - near)) [near, far] = [far, near];
      if (open) c.lineTo(column, near);
      else c.moveTo(column, near);
      if (Math.abs(near - far) > 0.5) c.lineTo(column, far);
      [y, open] = [far, true];
    };
    for (let i = first; i < last; i += 1) {
      const t = curve.t[i] + offset;
      const at = Math.round(this.x(t) * 2) / 2; // half a pixel is as fine as a line can show
      if (previous !== null && gaps.some(({ from, to }) => from >= previous - EPSILON_S && to <= t + EPSILON_S)) {
        flush();
        [column, open] = [null, false];
      }
      if (at === column) {
        if (curve.lo[i] < low) low = curve.lo[i];
        if (curve.hi[i] > high) high = curve.hi[i];
      } else {
        flush();
        [column, low, high] = [at, curve.lo[i], curve.hi[i]];
      }
      previous = t;
    }
    flush();
    c.stroke();
    c.setLineDash([]);
  }

  #drawMarks(marks) {
    const { context: c, area } = this;
    for (const { t, text } of marks) {
      const x = Math.round(this.x(t)) + 0.5;
      if (x < area.x || x > area.x + area.w) continue;
      c.strokeStyle = this.color("note");
      c.setLineDash([2, 3]);
      c.lineWidth = 1.5;
      c.beginPath();
      c.moveTo(x, area.y);
      c.lineTo(x, area.y + area.h);
      c.stroke();
      c.setLineDash([]);
      c.fillStyle = this.color("note");
      c.textAlign = x > area.x + area.w * 0.8 ? "right" : "left";
      c.textBaseline = "top";
      c.fillText(text, x + (c.textAlign === "right" ? -5 : 5), area.y + 2);
    }
  }

  #drawEmpty(text) {
    const { context: c, area } = this;
    c.fillStyle = this.color("muted");
    c.textAlign = "center";
    c.textBaseline = "middle";
    c.fillText(text, area.x + area.w / 2, area.y + area.h / 2);
  }
}
