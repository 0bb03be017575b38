// What the report is about. `tapline report` writes it as JSON, in short: arrays in a fixed order, and
// texts by their number in a table. The order is that of data.rs.
//
// The list of calls is read at once. The ladders lie in blocks of their own, each read when the first
// of its calls is opened, so that a report of ten thousand calls opens as fast as one of ten.

const BY_NUMBER = new Intl.Collator("en", { numeric: true });
/** Blocks that stay read. */
const KEPT_BLOCKS = 8;

function parsed(id) {
  return JSON.parse(element(id).textContent);
}

class ReportData {
  constructor() {
    const index = parsed("index");
    const text = (number) => (number < 0 ? "" : index.texts[number]);
    this.about = index.about;
    this.perBlock = index.about.per_block;
    this.blocks = new Map();
    this.pbxs = index.pbxs.map(([id, name]) => ({ id, name }));
    this.lines = index.lines.map(([id, number, name, pbx, state, calls], at) => ({
      at, id, number, name, pbx: text(pbx), state: text(state), calls,
    }));
    // Calls name lines by their place, people look for them by their number.
    this.linesInOrder = [...this.lines].sort((a, b) => BY_NUMBER.compare(a.number, b.number) || a.id - b.id);
    this.calls = index.calls.map(([at, forMs, title, outcome, odd, lines, key], number) => ({
      number, at, end: at + forMs, title, outcome: text(outcome), odd: text(odd), lines, key,
    }));
    this.calls.sort((a, b) => a.at - b.at || a.number - b.number);
    this.events = index.events.map(([at, seq, kind, what, pbx]) => ({
      at, seq, kind, what: text(what), pbx,
    }));
    this.links = index.links.map(([pbx, from, to, state, what]) => ({
      pbx, from, to, state, what: text(what),
    }));
  }

  /** How a line is called: number and name. */
  lineName(at) {
    const line = this.lines[at];
    return line ? `${line.number} ${line.name}`.trim() || `@${line.id}` : "?";
  }

  pbxName(id) {
    return this.pbxs.find((pbx) => pbx.id === id)?.name ?? `PBX ${id}`;
  }

  /** The ladder of a call. */
  ladder(call) {
    const block = Math.floor(call.number / this.perBlock);
    if (!this.blocks.has(block)) {
      if (this.blocks.size >= KEPT_BLOCKS) this.blocks.delete(this.blocks.keys().next().value);
      this.blocks.set(block, parsed(`block-${block}`));
    }
    const { texts, calls } = this.blocks.get(block);
    return new LadderData(call, calls[call.number % this.perBlock], texts, this);
  }
}

/** One call's ladder: columns, steps, and what could be read at each. */
class LadderData {
  constructor(call, [pbxs, legs, steps, bands, readings, story, related, leftOut, first], texts, report) {
    const text = (number) => (number < 0 ? "" : texts[number]);
    this.call = call;
    this.legs = legs.map(([line, number, callId, parties]) => ({
      line, number, callId: text(callId), parties: text(parties), name: report.lineName(line),
    }));
    this.columns = [
      ...pbxs.map((id) => ({ kind: "pbx", name: report.pbxName(id) })),
      ...this.legs.map((leg, at) => ({ kind: "leg", name: leg.name, number: leg.number, leg: at })),
      { kind: "application", name: "Application" },
    ];
    this.firstLeg = pbxs.length;
    this.steps = LadderData.steps(call, steps, first, text);
    this.bands = bands.map((band) =>
      band.map(([step, state, mode]) => ({ step, state: text(state), mode: text(mode) })));
    this.readings = readings.map((changes) =>
      changes.map(([step, ...fields]) => ({ step, fields: fields.map(text) })));
    this.story = story.map(([what, step, rule]) => ({ what: text(what), step, rule: text(rule) }));
    this.related = related.map(text);
    this.leftOut = leftOut;
  }

  /** Times and record numbers are told as distances from the step before. */
  static steps(call, steps, first, text) {
    let [at, seq] = [call.at, first];
    return steps.map(([ms, records, from, to, kind, label, detail, request], index) => {
      at += ms;
      seq += records;
      return {
        index, at, seq, from, to, kind: STEP_KINDS[kind],
        label: text(label), detail: text(detail), request: text(request),
      };
    });
  }

  /** The band of a leg at a step: the last that begins there or before. */
  stateAt(leg, step) {
    return lastUpTo(this.bands[leg], step);
  }

  readingAt(leg, step) {
    return lastUpTo(this.readings[leg], step);
  }
}

/** The last entry whose step is not behind this one. */
function lastUpTo(entries, step) {
  let [low, high] = [0, entries.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (entries[middle].step <= step) low = middle + 1;
    else high = middle;
  }
  return low > 0 ? entries[low - 1] : null;
}

/** What a step may be, in the order of data.rs: how it is drawn, and what it is called. */
const STEP_KINDS = [
  { name: "event", words: "Event of the PBX", line: "solid", head: "full" },
  { name: "asked", words: "Request of an application", line: "solid", head: "full" },
  { name: "ordered", words: "SOAP request", line: "solid", head: "full" },
  { name: "answered", words: "SOAP answer", line: "dashed", head: "open" },
  { name: "completed", words: "Completion", line: "dashed", head: "open" },
  { name: "failed", words: "Refused or failed", line: "dashed", head: "bad" },
  { name: "told", words: "Callback", line: "solid", head: "open" },
  { name: "deadline", words: "Deadline", line: "none", head: "" },
  { name: "link-lost", words: "Link lost", line: "mark", head: "" },
  { name: "link-up", words: "Link back", line: "mark", head: "" },
  { name: "resync", words: "Calls told again", line: "mark", head: "" },
  { name: "surprise", words: "Surprise", line: "mark", head: "" },
  { name: "breach", words: "Invariant broken", line: "mark", head: "" },
  { name: "other", words: "Also", line: "mark", head: "" },
];
