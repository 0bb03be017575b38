// The selected call: what it was, what became of it in sentences, its ladder, and the moment looked at.

class CallPage {
  /** `openKey(key)` shows another call, `pointed(from, to)` hears which time is looked at. */
  constructor(report, { openKey, pointed, close }) {
    Object.assign(this, { report, openKey, pointed, close });
    this.box = element("call");
    this.call = null;
    this.empty();
  }

  empty() {
    const hasCalls = this.report.calls.length > 0;
    refill(this.box, make("div", { class: "nothing" },
      make("h2", {}, hasCalls ? "No call selected" : "No calls in this record"),
      make("p", {}, hasCalls
        ? "Choose one at the left: arrows move, Enter opens, / searches."
        : "Lines and events are at the left.")));
  }

  show(call) {
    if (this.call === call) return;
    this.call = call;
    this.ladder = this.report.ladder(call);
    if (this.ladder.steps.length === 0) {
      refill(this.box, this.head(), make("p", { class: "nothing" }, "Nothing is known of this call."));
      return;
    }
    this.slider = new MomentSlider(this.ladder, (step, at) => this.moveTo(step, at));
    this.steps = new Ladder(this.ladder, (step) => this.moveTo(step.index), (request) => this.mark(request));
    this.now = make("p", { class: "now" });
    this.reading = make("div", { class: "cards" });
    this.clock = make("h3", { id: "clock" });
    refill(this.box, this.head(), this.slider.node,
      make("div", { class: "body" }, this.steps.node,
        make("aside", { class: "side" },
          make("section", { class: "reading", "aria-labelledby": "clock", "aria-live": "polite" }, this.clock, this.now, this.reading),
          this.story())));
    this.steps.show();
    this.moveTo(0);
    this.box.scrollTop = 0;
  }

  head() {
    const { call, ladder } = this;
    const facts = [
      `${dateOf(call.at)} ${timeOfDay(call.at)} UTC`,
      span(call.end - call.at),
      call.outcome,
      counted(ladder.steps.length, "step"),
    ];
    return make("header", { class: "about" },
      button("‹ All calls", { class: "back plain" }, this.close),
      make("h2", {}, call.title),
      make("p", { class: "facts" }, ...facts.map((fact) => make("span", {}, fact)),
        make("code", { title: "conf GUID of the PBX, or the id of the request" }, call.key)),
      call.odd && make("p", { class: "odd" }, make("span", { class: "badge" }, call.odd)),
      ladder.leftOut > 0 && make("p", { class: "odd" }, `${counted(ladder.leftOut, "step")} more left out of the report.`),
      this.related());
  }

  related() {
    const { related } = this.ladder;
    if (related.length === 0) return null;
    const names = related.map((key) => {
      const other = this.report.calls.find((call) => call.key === key);
      return other ? button(other.title, { class: "plain" }, () => this.openKey(key)) : make("code", {}, key);
    });
    return make("p", { class: "related" }, "Belongs with: ", ...names);
  }

  /** What happened, in sentences that name their evidence. */
  story() {
    const whole = this.ladder.story.filter(({ step }) => step < 0).map(({ what }, at) => make("p", { class: at > 0 && "oddity" }, what));
    const sentences = this.ladder.story.filter(({ step }) => step >= 0).map(({ what, step, rule }) => {
      const at = this.ladder.steps[step];
      const evidence = at
        ? button(`record ${at.seq}`, { class: "plain evidence", "aria-label": `Go to record ${at.seq}, ${timeOfDay(at.at)}` }, () => this.moveTo(step))
        : null;
      return make("li", { "data-step": step }, what, " ", evidence, rule && make("p", { class: "rule" }, rule));
    });
    if (sentences.length + whole.length === 0) return null;
    return make("section", { class: "story", "aria-labelledby": "story-title" },
      make("h3", { id: "story-title" }, "What happened"), ...whole, make("ol", {}, ...sentences));
  }

  /** Looks at a moment: a step, or a time behind it. */
  moveTo(step, at = this.ladder.steps[step].at) {
    this.step = step;
    const { seq, kind, label, detail } = this.ladder.steps[step];
    this.slider.show(step, at);
    this.steps.moveTo(step);
    refill(this.clock, make("span", { class: "at" }, timeOfDay(at)), make("span", { class: "seq" }, `record ${seq}`));
    refill(this.now, `${kind.words}: `, make("b", {}, label), detail && ` · ${detail}`);
    refill(this.reading, ...readingCards(this.ladder, step, at));
    this.pointed(this.call.at, this.call.end);
  }

  /** Goes so many steps on, or back. */
  stepBy(by) {
    if (!this.call || this.ladder.steps.length === 0) return;
    this.moveTo(Math.max(0, Math.min(this.ladder.steps.length - 1, this.step + by)));
  }

  /** Goes to the next step, or the one before, at which a state changes. */
  stateBy(by) {
    if (!this.call || this.ladder.steps.length === 0) return;
    const changes = this.ladder.bands.flat().map((band) => band.step).sort((a, b) => a - b);
    const next = by > 0 ? changes.find((step) => step > this.step) : changes.findLast((step) => step < this.step);
    if (next !== undefined) this.moveTo(next);
  }

  mark(request = this.ladder?.steps[this.step]?.request) {
    if (!request) return false;
    this.steps.markRequest(request);
    return true;
  }

  /** Takes the mark of a request away; false if there is none. */
  unmark() {
    return Boolean(this.steps?.request) && this.mark(this.steps.request);
  }

  /** Everything at once, for paper. */
  showWhole(isWhole) {
    this.steps?.list.showWhole(isWhole);
  }
}
