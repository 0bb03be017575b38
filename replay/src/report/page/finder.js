// The left pane: calls, lines and events, each as a list that the search narrows.

const ROW_HEIGHTS = { calls: 50, lines: 44, events: 44 };

class Finder {
  /** `openCall(call, isOpened)` shows a call; it is opened when it is not only passed by. */
  constructor(report, openCall) {
    this.report = report;
    this.openCall = openCall;
    this.line = null;
    this.tab = "calls";
    this.all = { calls: report.calls, lines: report.linesInOrder, events: report.events };
    this.shown = { ...this.all };
    this.lists = {
      calls: this.list("calls", "Calls", (call) => callRow(call, report)),
      lines: this.list("lines", "Lines", lineRow),
      events: this.list("events", "Events", eventRow),
    };
    for (const tab of Object.keys(this.lists)) {
      element(`tab-${tab}`).addEventListener("click", () => this.open(tab));
      element(`tab-${tab}`).addEventListener("keydown", (event) => this.tabKey(event));
    }
    element("search").addEventListener("input", () => this.narrow());
    element("search").addEventListener("keydown", (event) => this.searchKey(event));
    element("odd").addEventListener("click", () => this.onlyOdd());
    this.open("calls");
  }

  list(tab, label, row) {
    return new VirtualList(element(tab), {
      height: ROW_HEIGHTS[tab],
      role: "listbox",
      rowRole: "option",
      label,
      row: (index) => row(this.shown[tab][index]),
      choose: (index) => tab === "calls" && this.openCall(this.shown.calls[index]),
      open: (index) => this.opened(tab, index),
    });
  }

  opened(tab, index) {
    const thing = this.shown[tab][index];
    if (tab === "calls") this.openCall(thing, true);
    if (tab === "lines") this.ofLine(thing);
    if (tab === "events") this.atTime(thing.at);
  }

  /** Shows one of the three lists. */
  open(tab) {
    this.tab = tab;
    for (const name of Object.keys(this.lists)) {
      const isOpen = name === tab;
      const head = element(`tab-${name}`);
      head.setAttribute("aria-selected", isOpen);
      head.tabIndex = isOpen ? 0 : -1;
      element(`panel-${name}`).hidden = !isOpen;
    }
    this.narrow();
  }

  tabKey(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const tabs = Object.keys(this.lists);
    const next = tabs[(tabs.indexOf(this.tab) + step + tabs.length) % tabs.length];
    this.open(next);
    element(`tab-${next}`).focus();
    event.preventDefault();
    event.stopPropagation();
  }

  searchKey(event) {
    if (event.key === "ArrowDown" || event.key === "Enter") {
      this.focus();
      if (this.front.current < 0) this.front.select(0);
      event.preventDefault();
    } else if (event.key === "Escape") {
      this.clear();
    } else {
      return;
    }
    event.stopPropagation();
  }

  get front() {
    return this.lists[this.tab];
  }

  focus() {
    this.front.box.focus();
  }

  /** Shows all again. */
  clear() {
    element("search").value = "";
    element("odd").setAttribute("aria-pressed", "false");
    this.line = null;
    this.narrow();
    this.focus();
  }

  /** Shows the calls of one line. */
  ofLine(line) {
    this.line = line;
    element("search").value = "";
    this.open("calls");
    this.focus();
  }

  onlyOdd() {
    const toggle = element("odd");
    toggle.setAttribute("aria-pressed", toggle.getAttribute("aria-pressed") !== "true");
    this.narrow();
  }

  /** Shows what the search lets through. */
  narrow() {
    const terms = element("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    const onlyOdd = element("odd").getAttribute("aria-pressed") === "true";
    element("odd").hidden = this.tab !== "calls";
    const all = this.all[this.tab];
    const has = (thing) => terms.every((term) => searchable(thing, this.tab, this.report).includes(term));
    const fits = (thing) => this.tab !== "calls"
      || ((!onlyOdd || thing.odd) && (!this.line || thing.lines.includes(this.line.at)));
    const selected = this.shown[this.tab][this.front.current];
    const isNarrow = terms.length > 0 || (this.tab === "calls" && (onlyOdd || this.line));
    this.shown[this.tab] = isNarrow ? all.filter((thing) => fits(thing) && has(thing)) : all;
    this.front.fill(this.shown[this.tab].length, this.shown[this.tab].indexOf(selected));
    this.say(isNarrow);
  }

  say(isNarrow) {
    const [shown, all] = [this.shown[this.tab].length, this.all[this.tab].length];
    const what = this.tab.slice(0, -1);
    const count = isNarrow ? `${grouped(shown)} of ${counted(all, what)}` : counted(all, what);
    const line = this.line && this.tab === "calls" ? ` of ${this.report.lineName(this.line.at)}` : "";
    const clear = isNarrow ? button("Show all", { class: "plain" }, () => this.clear()) : null;
    refill(element("found"), make("span", {}, all === 0 ? `No ${what}s in this record` : count + line), clear);
  }

  /** Goes to the first call that went on at a time, or came after it. */
  atTime(at) {
    if (this.tab !== "calls") this.open("calls");
    const { calls } = this.shown;
    const index = calls.findIndex((call) => call.end >= at);
    this.lists.calls.select(index < 0 ? calls.length - 1 : index);
  }

  /** Makes a call the current one of the list, if it is in it. */
  mark(call) {
    const index = this.shown.calls.indexOf(call);
    if (index !== this.lists.calls.current) this.lists.calls.moveTo(index);
  }

  /** The call before or after the current one. */
  step(by) {
    const { calls } = this.lists;
    calls.select(calls.current < 0 ? 0 : calls.current + by);
  }
}

/** What the search looks at, in small letters; made once. */
function searchable(thing, tab, report) {
  if (thing.searchable === undefined) {
    const texts = {
      calls: () => [thing.title, thing.key, thing.outcome, thing.odd, timeOfDay(thing.at),
        ...thing.lines.map((line) => report.lineName(line))],
      lines: () => [thing.number, thing.name, `@${thing.id}`, thing.pbx, thing.state],
      events: () => [EVENT_KINDS[thing.kind].words, thing.what, timeOfDay(thing.at)],
    };
    thing.searchable = texts[tab]().join("\n").toLowerCase();
  }
  return thing.searchable;
}

function callRow(call, report) {
  const lines = call.lines.map((line) => report.lineName(line)).join(", ");
  const label = `${call.title}, ${call.outcome}, ${timeOfDay(call.at)}, ${span(call.end - call.at)}`
    + (call.odd ? `, odd: ${call.odd}` : "");
  return make("div", { "aria-label": label, title: lines },
    make("div", { class: "first" },
      make("span", { class: "title" }, call.title),
      call.odd && make("span", { class: "badge" }, call.odd)),
    make("div", { class: "second" },
      make("span", { class: "time" }, timeOfDay(call.at)),
      make("span", { class: "outcome" }, call.outcome),
      make("span", { class: "for" }, span(call.end - call.at))));
}

function lineRow(line) {
  const title = `${line.number} ${line.name}`.trim();
  const label = `${title}, id ${line.id}, ${line.pbx}, ${line.state}, ${counted(line.calls, "call")}`;
  return make("div", { "aria-label": label },
    make("div", { class: "first" },
      make("span", { class: "title" }, title || `@${line.id}`),
      make("span", { class: "count" }, counted(line.calls, "call"))),
    make("div", { class: "second" },
      make("span", { class: "time" }, `@${line.id}`),
      make("span", { class: "outcome" }, line.pbx),
      make("span", { class: "for" }, line.state)));
}

function eventRow(event) {
  const kind = EVENT_KINDS[event.kind];
  return make("div", { "aria-label": `${timeOfDay(event.at)}, ${kind.words}: ${event.what}`, title: event.what },
    make("div", { class: "first" },
      make("span", { class: `sign ${kind.name}`, "aria-hidden": "true" }, kind.sign),
      make("span", { class: "title" }, event.what)),
    make("div", { class: "second" },
      make("span", { class: "time" }, timeOfDay(event.at)),
      make("span", { class: "outcome" }, kind.words),
      make("span", { class: "for" }, `record ${event.seq}`)));
}
