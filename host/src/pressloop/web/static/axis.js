// Ticks of an axis: round numbers for pressures, and clock-like steps for times.
const TIMES = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 21600, 43200, 86400, 172800, 604800];

function roundStep(rough) {
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= rough * 0.999);
}

function ticks(low, high, step) {
  const found = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i += 1) found.push(i * step);
  return found;
}

export function pressureTicks(low, high, most) {
  const step = roundStep((high - low) / Math.max(1, most));
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  return ticks(low, high, step).map((value) => ({ value, text: value.toFixed(digits).replace("-", "−") }));
}

function timeText(seconds, step) {
  const sign = seconds < 0 ? "−" : "";
  const t = Math.abs(seconds);
  const two = (number) => String(Math.floor(number)).padStart(2, "0");
  if (step < 1) return `${sign}${t.toFixed(1)} s`;
  if (t < 60 && step < 60) return `${sign}${Math.round(t)} s`;
  if (t >= 86400 || step >= 43200) {
    const hours = Math.floor((t % 86400) / 3600);
    return `${sign}${Math.floor(t / 86400)} d${hours ? ` ${hours} h` : ""}`;
  }
  if (t >= 3600) return `${sign}${Math.floor(t / 3600)}:${two((t % 3600) / 60)}${step < 60 ? `:${two(t % 60)}` : " h"}`;
  return step < 60 ? `${sign}${Math.floor(t / 60)}:${two(t % 60)}` : `${sign}${Math.round(t / 60)} min`;
}

export function timeTicks(low, high, most) {
  const rough = (high - low) / Math.max(1, most);
  const step = TIMES.find((one) => one >= rough) ?? roundStep(rough);
  return ticks(low, high, step).map((value) => ({ value, text: timeText(value, step) }));
}
