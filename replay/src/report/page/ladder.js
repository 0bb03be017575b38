// The ladder of a call: PBXs to the left, lines in the middle, the application to the right, time
// downwards. Each step is one row with its arrow; the state of each line runs down as a band.

const STEP_HEIGHT = 34;
/** With more columns than these, each gets less room. */
const ROOMY_COLUMNS = 4;
/** From this pause on, in milliseconds, a row says how long nothing happened. */
const PAUSE_MS = 1000;

class Ladder {
  /** `choose(step)` is told when another step is the current one; `mark(request)` when one asks for the
   * steps of a request. */
  constructor(ladder, choose, mark) {
    this.ladder = ladder;
    this.mark = mark;
    this.request = "";
    this.rows = Ladder.rows(ladder.steps);
    this.node = make("div", { class: "ladder" });
    const isTight = ladder.columns.length > ROOMY_COLUMNS;
    const box = make("div", { id: "ladder", class: isTight ? "steps tight" : "steps" });
    box.style.setProperty("--columns", ladder.columns.length);
    box.append(this.head());
    this.list = new VirtualList(box, {
      height: STEP_HEIGHT,
      role: "grid",
      rowRole: "row",
      label: "Ladder, a row for each step",
      row: (index) => this.row(this.rows[index]),
      choose: (index) => choose(this.rows[index].step),
    });
    this.node.append(box);
  }

  /** Steps with the pauses between them. */
  static rows(steps) {
    const rows = [];
    for (const step of steps) {
      const before = rows.at(-1);
      const pause = before ? step.at - before.step.at : 0;
      if (pause >= PAUSE_MS) rows.push({ step: before.step, pause });
      rows.push({ step, pause: 0 });
    }
    return rows;
  }

  show() {
    this.list.fill(this.rows.length);
  }

  /** Makes a step the current one. */
  moveTo(step) {
    const index = this.rows.findIndex((row) => row.step.index === step && !row.pause);
    if (this.list.current < 0 || this.rows[this.list.current]?.step.index !== step) this.list.moveTo(index);
  }

  /** Marks all steps of a request; none if it is marked already. */
  markRequest(request) {
    this.request = this.request === request ? "" : request;
    this.list.repaint();
    return this.request;
  }

  // ---- what it looks like

  x(column) {
    return (column + 0.5) / this.ladder.columns.length;
  }

  head() {
    const names = this.ladder.columns.map((column, at) => {
      const number = column.number ? make("small", {}, `#${column.number}`) : null;
      const node = make("span", { class: `name ${column.kind}`, title: column.name },
        make("span", {}, column.name), number);
      const half = 0.5 / this.ladder.columns.length;
      return place(node, this.x(at) - half, this.x(at) + half);
    });
    return make("div", { class: "head", role: "row" },
      make("span", { class: "time", role: "columnheader" }, "Time"),
      make("div", { class: "lane", role: "columnheader", "aria-label": "Who tells whom" }, ...names),
      make("span", { class: "what", role: "columnheader" }, "What"),
      make("span", { class: "request", role: "columnheader" }, "Request"));
  }

  row(row) {
    return row.pause ? this.pauseRow(row) : this.stepRow(row.step);
  }

  pauseRow({ step, pause }) {
    return make("div", { class: "pause", "aria-label": `Nothing for ${span(pause)}` },
      make("span", { class: "time", role: "gridcell" }, ""),
      make("div", { class: "lane", role: "gridcell" }, this.lifelines(), ...this.bandsOf(step.index, step.index),
        make("span", { class: "gap" }, `${span(pause)} later`)),
      make("span", { class: "what", role: "gridcell" }, ""),
      make("span", { class: "request", role: "gridcell" }, ""));
  }

  stepRow(step) {
    const isMark = step.kind.line === "mark";
    const isSame = this.ladder.steps[step.index - 1]?.seq === step.seq;
    const classes = ["step", `kind-${step.kind.name}`];
    if (step.request && step.request === this.request) classes.push("marked");
    const request = step.request
      ? button(step.request, { class: "chip", "aria-label": `Mark the steps of request ${step.request}` }, () => this.mark(step.request))
      : "";
    return make("div", { class: classes.join(" "), "aria-label": this.inWords(step) },
      make("span", { class: isSame ? "time same" : "time", role: "gridcell" }, timeOfDay(step.at)),
      make("div", { class: "lane", role: "gridcell" }, this.lifelines(isMark ? null : step),
        ...this.bandsOf(step.index - 1, step.index), ...this.words(step, isMark)),
      make("span", { class: "what", role: "gridcell", title: `record ${step.seq}: ${step.detail}` },
        make("span", { class: "seq" }, step.seq), " ", step.detail),
      make("span", { class: "request", role: "gridcell" }, request));
  }

  inWords(step) {
    const { columns } = this.ladder;
    const way = step.from >= 0 && step.from !== step.to
      ? `, from ${columns[step.from].name} to ${columns[step.to].name}` : "";
    const states = this.changes(step).map(({ leg, state }) =>
      `, ${this.ladder.legs[leg].name} is ${stateWords(state)}`);
    return `${timeOfDay(step.at)}, record ${step.seq}, ${step.kind.words}${way}: ${step.label}${states.join("")}`;
  }

  /** The lifelines of all columns, and the arrow of a step. */
  lifelines(step) {
    const percent = (column) => `${(100 * this.x(column)).toFixed(3)}%`;
    const lines = this.ladder.columns.map((column, at) =>
      draw("line", { class: `life ${column.kind}`, x1: percent(at), x2: percent(at), y1: 0, y2: STEP_HEIGHT }));
    const svg = draw("svg", { width: "100%", height: STEP_HEIGHT, "aria-hidden": "true", focusable: "false" }, ...lines);
    if (step && step.from >= 0 && step.from !== step.to) {
      svg.append(draw("line", {
        class: `arrow ${step.kind.line} ${step.kind.head}`,
        x1: percent(step.from), x2: percent(step.to), y1: 23, y2: 23,
        "marker-end": `url(#head-${step.kind.head})`,
      }));
    }
    return svg;
  }

  /** The piece of each leg's band in a row: the state before its step above, the one after it below. */
  bandsOf(before, after) {
    return this.ladder.legs.map((_, leg) => {
      const [upper, lower] = [this.ladder.stateAt(leg, before), this.ladder.stateAt(leg, after)];
      const half = (band, where) => make("i", { class: `${band ? stateClass(band.state) : "none"} ${where}` });
      const band = make("span", { class: "band", "aria-hidden": "true" }, half(upper, "upper"), half(lower, "lower"));
      band.style.left = `${100 * this.x(this.ladder.firstLeg + leg)}%`;
      return band;
    });
  }

  /** Legs whose state is another one after this step. */
  changes(step) {
    const changed = [];
    this.ladder.legs.forEach((_, leg) => {
      const state = this.ladder.stateAt(leg, step.index);
      if (state && state.step === step.index) changed.push({ leg, state });
    });
    return changed;
  }

  /** The label of a step's arrow, and the states that it brings. */
  words(step, isMark) {
    if (isMark) return [make("span", { class: "mark" }, `${step.kind.words}: ${step.label}`)];
    const nodes = [];
    const { firstLeg, legs } = this.ladder;
    const isLeg = (column) => column >= firstLeg && column < firstLeg + legs.length;
    const leg = isLeg(step.to) ? step.to : isLeg(step.from) ? step.from : step.to;
    const other = step.from === leg ? step.to : step.from;
    const toTheLeft = other < leg;
    if (step.from === step.to) {
      nodes.push(this.beside(leg, "label own", `${step.kind.words}: ${step.label}`, false));
    } else {
      // In the space beside the line, where no other band is crossed.
      const [from, to] = toTheLeft ? [leg - 1, leg] : [leg, leg + 1];
      nodes.push(place(labelOf(step), this.x(from), this.x(to)));
    }
    for (const { leg: changed, state } of this.changes(step)) {
      const column = firstLeg + changed;
      const isTaken = step.from !== step.to && column === leg && !toTheLeft;
      nodes.push(this.beside(column, `pill ${stateClass(state.state)}`, stateWords(state), isTaken));
    }
    return nodes;
  }

  /** A text right beside a column, or left of it. */
  beside(column, classes, text, isLeft) {
    const node = make("span", { class: `beside ${isLeft ? "left" : "right"} ${classes}`, title: text }, text);
    if (isLeft) node.style.right = `${100 * (1 - this.x(column))}%`;
    else node.style.left = `${100 * this.x(column)}%`;
    return node;
  }
}

/** Letters for which there is room at an arrow, whatever the width of the window. */
const ROOMY_LABEL = 19;

/** What stands at an arrow. Where there is little room, the word that most callbacks begin with goes. */
function labelOf({ label }) {
  const [verb, ...rest] = label.split(" ");
  const isLong = label.length > ROOMY_LABEL;
  const words = verb === "CALLSTATE" && rest.length > 0
    ? [isLong ? "" : make("span", { class: "verb" }, "CALLSTATE "), rest.join(" ")] : [label];
  return make("span", { class: "label", title: label }, ...words);
}
