// A curve in growing arrays: time, smallest, largest and set pressure. Old parts get coarser when
// there are too many points; the smallest and largest values stay.
const MOST = 60000;
const KEPT_FINE = 12000;

export class CurveBuffer {
  constructor() {
    this.clear();
  }

  clear() {
    this.t = [];
    this.lo = [];
    this.hi = [];
    this.s = [];
  }

  get length() {
    return this.t.length;
  }

  get end() {
    return this.t.length ? this.t[this.t.length - 1] : null;
  }

  push(t, lo, hi, s) {
    if (this.t.length && t <= this.end) return;
    this.t.push(t);
    this.lo.push(lo);
    this.hi.push(hi);
    this.s.push(s);
    if (this.t.length > MOST) this.#coarsen();
  }

  // Index of the first point at or after a time.
  at(time) {
    let low = 0;
    let high = this.t.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.t[middle] < time) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #coarsen() {
    const old = { t: this.t, lo: this.lo, hi: this.hi, s: this.s };
    const fine = old.t.length - KEPT_FINE;
    this.clear();
    for (let i = 0; i < fine; i += 2) {
      const j = Math.min(i + 1, fine - 1);
      this.t.push(old.t[i]);
      this.lo.push(Math.min(old.lo[i], old.lo[j]));
      this.hi.push(Math.max(old.hi[i], old.hi[j]));
      this.s.push(old.s[j]);
    }
    for (const name of ["t", "lo", "hi", "s"]) for (let i = fine; i < old.t.length; i += 1) this[name].push(old[name][i]);
  }
}
