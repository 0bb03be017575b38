// A moment in a call: the bands of its lines over time, a slider along them, and what applications could
// read then.

/** The bands of all legs over time, with the slider below. */
class MomentSlider {
  /** `move(step, at)` is told when somebody moves the slider. */
  constructor(ladder, move) {
    this.ladder = ladder;
    this.move = move;
    const { call, steps } = ladder;
    this.from = call.at;
    this.width = Math.max(1, call.end - call.at, (steps.at(-1)?.at ?? call.at) - call.at);
    this.cursor = make("div", { class: "cursor" });
    this.range = make("input", {
      type: "range", id: "moment", min: 0, max: this.width, step: 1, value: 0, "aria-label": "Moment",
      "aria-keyshortcuts": "ArrowLeft ArrowRight",
    });
    this.range.addEventListener("input", () => this.moved());
    this.range.addEventListener("keydown", (event) => this.key(event));
    const legs = ladder.legs.map((leg, at) => this.lane(leg, at));
    this.node = make("div", { class: "timeline" },
      make("div", { class: "bands", "aria-hidden": "true" }, ...legs, this.axis(),
        make("div", { class: "over" }, this.cursor)),
      make("div", { class: "slide" }, make("span", { class: "name" }, "Moment"), this.range));
  }

  share(at) {
    return Math.min(1, Math.max(0, (at - this.from) / this.width));
  }

  lane(leg, at) {
    const bands = this.ladder.bands[at];
    const pieces = bands.map((band, index) => {
      const begin = this.ladder.steps[band.step].at;
      const end = index + 1 < bands.length ? this.ladder.steps[bands[index + 1].step].at : this.from + this.width;
      const piece = make("span", { class: stateClass(band.state), title: stateWords(band) }, stateWords(band));
      return place(piece, this.share(begin), this.share(end));
    });
    const number = leg.number ? ` #${leg.number}` : "";
    return make("div", { class: "lane" },
      make("span", { class: "name", title: leg.name }, leg.name + number), make("div", { class: "track" }, ...pieces));
  }

  axis() {
    const labels = ticks(this.from, this.from + this.width, 6).map((tick) =>
      place(make("span", {}, tickLabel(tick)), this.share(tick.at), 0));
    return make("div", { class: "axis" }, make("div", { class: "track" }, ...labels));
  }

  moved() {
    const at = this.from + Number(this.range.value);
    const { steps } = this.ladder;
    let step = 0;
    while (step + 1 < steps.length && steps[step + 1].at <= at) step += 1;
    this.move(step, at);
  }

  /** Left and right go from step to step: a burst of steps lies within a millisecond. */
  key(event) {
    const go = {
      ArrowLeft: this.step - 1, ArrowDown: this.step - 1,
      ArrowRight: this.step + 1, ArrowUp: this.step + 1,
      Home: 0, End: this.ladder.steps.length - 1,
    }[event.key];
    if (go === undefined || event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    event.stopPropagation();
    this.move(Math.max(0, Math.min(this.ladder.steps.length - 1, go)));
  }

  /** Shows a moment. */
  show(step, at) {
    this.step = step;
    this.range.value = at - this.from;
    const { index, seq } = this.ladder.steps[step];
    this.range.setAttribute("aria-valuetext",
      `${timeOfDay(at)}, step ${index + 1} of ${this.ladder.steps.length}, record ${seq}`);
    place(this.cursor, this.share(at), 0);
  }
}

/** The names of what can be read of a leg, in the order of data.rs. */
const READINGS = ["Line", "Other calls", "Can be asked", "Caller", "Called", "Connected", "Redirecting",
  "Redirection", "Origin", "Reason"];

/** What applications could read at a moment: one card for each line of the call. */
function readingCards(ladder, step, at) {
  return ladder.legs.map((leg, index) => {
    const [state, reading] = [ladder.stateAt(index, step), ladder.readingAt(index, step)];
    const name = make("h4", {}, leg.name, leg.number ? make("small", {}, ` call #${leg.number}`) : "");
    if (!state) {
      return make("section", { class: "card" }, name, make("p", { class: "faint" }, "No call here yet."));
    }
    const since = ladder.steps[state.step].at;
    const items = [["Since", `${timeOfDay(since)}, for ${span(Math.max(0, at - since))}`]];
    (reading?.fields ?? []).forEach((text, field) => text && items.push([READINGS[field], text]));
    if (leg.callId) items.push(["dwCallID", leg.callId]);
    return make("section", { class: "card" }, name,
      make("p", {}, make("span", { class: `pill ${stateClass(state.state)}` }, stateWords(state))),
      make("dl", {}, ...items.flatMap(([what, text]) => [make("dt", {}, what), make("dd", {}, text)])));
  });
}
