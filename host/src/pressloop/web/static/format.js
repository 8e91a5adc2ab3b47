// Writes figures, durations and dates as people read them.
export const NONE = "–";

export function figure(value, digits = 1) {
  if (value === null || value === undefined || !Number.isFinite(value)) return NONE;
  const text = value.toFixed(digits);
  return Number(text) === 0 ? (0).toFixed(digits) : text.replace("-", "−");
}

export function signed(value, digits = 2) {
  const text = figure(value, digits);
  return value > 0 && Number(value.toFixed(digits)) !== 0 ? `+${text}` : text;
}

export function plain(value) {
  return value === null || value === undefined ? NONE : String(Number(value.toPrecision(6)));
}

// 8 s, 3:05, 2:15:00, 6 d 2:15:00
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return NONE;
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const two = (number) => String(number).padStart(2, "0");
  const [s, m, h, d] = [whole % 60, Math.floor(whole / 60) % 60, Math.floor(whole / 3600) % 24, Math.floor(whole / 86400)];
  if (whole < 3600) return `${m}:${two(s)}`;
  return `${d ? `${d} d ` : ""}${h}:${two(m)}:${two(s)}`;
}

export function span(seconds) {
  if (seconds === null || seconds === undefined) return NONE;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 3 * 3600) return `${plain(Math.round(seconds / 6) / 10)} min`;
  if (seconds < 2 * 86400) return `${plain(Math.round(seconds / 360) / 10)} h`;
  return `${plain(Math.round(seconds / 8640) / 10)} d`;
}

export function date(unixS) {
  if (!unixS) return NONE;
  const at = new Date(unixS * 1000);
  const two = (number) => String(number).padStart(2, "0");
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}`;
}

export function clock(unixS) {
  return new Date(unixS * 1000).toTimeString().slice(0, 8);
}
