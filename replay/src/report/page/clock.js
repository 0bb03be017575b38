// Times as people write them, in UTC as everywhere in Tapline.

/** `12:03:20.123` */
function timeOfDay(ms) {
  return new Date(ms).toISOString().slice(11, 23);
}

/** `2026-01-31` */
function dateOf(ms) {
  return new Date(ms).toISOString().slice(0, 10);
}

/** A span in the unit that fits: `850 ms`, `12.3 s`, `4 min 05 s`, `2 h 10 min`. */
function span(ms) {
  if (ms < 1000) return `${ms} ms`;
  const seconds = ms / 1000;
  if (seconds < 100) return `${seconds.toFixed(1)} s`;
  const minutes = Math.floor(seconds / 60);
  const rest = String(Math.floor(seconds % 60)).padStart(2, "0");
  if (minutes < 100) return `${minutes} min ${rest} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${String(minutes % 60).padStart(2, "0")} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** Points in time for the ticks of an axis, at round distances: at most so many. */
function ticks(from, to, most) {
  const units = [1, 2, 5, 10, 20, 50, 100, 200, 500];
  const steps = [
    ...units,
    ...[1, 2, 5, 10, 15, 30].map((seconds) => seconds * 1000),
    ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * 60000),
    ...[1, 2, 3, 6, 12, 24, 48, 168].map((hours) => hours * 3600000),
  ];
  const step = steps.find((size) => (to - from) / size <= most) ?? (to - from) / most;
  const found = [];
  // A label at the very end would have no room.
  const last = to - (to - from) * 0.05;
  for (let at = Math.ceil(from / step) * step; at <= last; at += step) found.push({ at, step });
  return found;
}

/** A tick's label: as exact as its distance to the next one. */
function tickLabel({ at, step }) {
  if (step >= 86400000) return dateOf(at);
  return timeOfDay(at).slice(0, step >= 60000 ? 5 : step >= 1000 ? 8 : 12);
}

/** Thousands set apart: `12 345`. */
function grouped(number) {
  return String(number).replace(/\B(?=(\d{3})+$)/g, "\u202f");
}

/** `1 call`, `12 calls` */
function counted(number, what) {
  return `${grouped(number)} ${what}${number === 1 ? "" : "s"}`;
}
