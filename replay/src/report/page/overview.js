// The time line of the whole record: how many calls there were, when each PBX could be reached, and what
// happened on the way. A click goes to the calls of that time; the list of events says the same
// in words.

/** What an event may be, in the order of data.rs: its sign, and what it is called. */
const EVENT_KINDS = [
  { name: "session", sign: "▸", words: "Telephony server" },
  { name: "settings", sign: "≡", words: "Settings" },
  { name: "link-up", sign: "●", words: "Link up" },
  { name: "link-lost", sign: "✕", words: "Link lost" },
  { name: "take-over", sign: "⇄", words: "Take-over" },
  { name: "gap", sign: "∅", words: "Records missing" },
  { name: "breach", sign: "◆", words: "Invariant broken" },
  { name: "surprise", sign: "▲", words: "Surprise" },
  { name: "estate", sign: "+", words: "Estate" },
];

/** Kinds that are worth a sign on the time line; the others are only in the list. */
const SIGNED = new Set(["session", "link-lost", "take-over", "gap", "breach", "surprise"]);

/** PBXs that get a lane; of more the report says so. */
const MOST_LANES = 8;
/** Parts in which calls are counted. */
const BUCKETS = 240;

class Overview {
  constructor(report, goTo) {
    this.report = report;
    const { from_ms: from, to_ms: to } = report.about;
    this.from = from;
    this.width = Math.max(1, to - from);
    this.cursor = make("div", { class: "cursor", hidden: true });
    const box = element("overview");
    refill(box, this.calls(), ...this.links(), this.signs(), this.cursor);
    box.setAttribute("role", "img");
    box.setAttribute("aria-label", this.inWords());
    box.addEventListener("click", (event) => goTo(this.timeAt(event, box)));
    this.axis();
  }

  share(at) {
    return Math.min(1, Math.max(0, (at - this.from) / this.width));
  }

  timeAt(event, box) {
    const edges = box.querySelector(".track").getBoundingClientRect();
    return this.from + (this.width * (event.clientX - edges.left)) / edges.width;
  }

  lane(name, ...children) {
    return make("div", { class: "lane" },
      make("span", { class: "name", title: name }, name),
      make("div", { class: "track" }, ...children));
  }

  /** How many calls went on at each time, as an area. */
  calls() {
    const counts = this.counted();
    const most = Math.max(1, ...counts);
    const y = (count) => (22 - (20 * count) / most).toFixed(2);
    const points = counts.map((count, at) => `L${at} ${y(count)}H${at + 1}`).join("");
    const area = draw("svg", { class: "density", viewBox: `0 0 ${BUCKETS} 22`, preserveAspectRatio: "none" },
      draw("path", { d: `M0 22${points}V22Z` }));
    const lane = this.lane(`Calls, up to ${grouped(most)}`, area);
    lane.classList.add("tall");
    return lane;
  }

  counted() {
    const changes = new Array(BUCKETS + 1).fill(0);
    for (const call of this.report.calls) {
      const bucket = (at) => Math.min(BUCKETS - 1, Math.floor(this.share(at) * BUCKETS));
      changes[bucket(call.at)] += 1;
      changes[bucket(call.end) + 1] -= 1;
    }
    let running = 0;
    return changes.slice(0, BUCKETS).map((change) => (running += change));
  }

  /** When each PBX could be reached. */
  links() {
    const lanes = this.report.pbxs.slice(0, MOST_LANES).map((pbx) => {
      const spans = this.report.links.filter((link) => link.pbx === pbx.id).map((link) =>
        place(make("div", { class: `link ${link.state}`, title: link.what }), this.share(link.from), this.share(link.to)));
      return this.lane(pbx.name, ...spans);
    });
    const more = this.report.pbxs.length - MOST_LANES;
    return more > 0 ? [...lanes, this.lane(`and ${more} more`)] : lanes;
  }

  /** Signs of what happened; where many fall on one place, one stands for them. */
  signs() {
    const taken = new Set();
    const signs = [];
    for (const event of this.report.events) {
      const kind = EVENT_KINDS[event.kind];
      const spot = `${kind.name} ${Math.round(this.share(event.at) * 300)}`;
      if (!SIGNED.has(kind.name) || taken.has(spot)) continue;
      taken.add(spot);
      const title = `${timeOfDay(event.at)} ${kind.words}: ${event.what}`;
      signs.push(place(make("span", { class: `sign ${kind.name}`, title }, kind.sign), this.share(event.at), 0));
    }
    const lane = this.lane("Events", ...signs);
    lane.classList.add("signs");
    return lane;
  }

  axis() {
    const { to_ms: to } = this.report.about;
    const labels = ticks(this.from, to, 8).map((tick) => {
      const label = make("span", {}, tickLabel(tick));
      return place(label, this.share(tick.at), 0);
    });
    refill(element("overview-axis"), make("div", { class: "track" }, ...labels));
  }

  inWords() {
    const { calls, events } = this.report;
    const count = (name) => events.filter((event) => EVENT_KINDS[event.kind].name === name).length;
    return `${counted(calls.length, "call")}, ${counted(count("link-lost"), "link loss").replace("losss", "losses")}, `
      + `${counted(count("take-over"), "take-over")}, ${counted(count("gap"), "gap")}, `
      + `${counted(count("breach"), "breach").replace("breachs", "breaches")}; the list of events has them all`;
  }

  /** Shows where the selected call, and the moment in it, lies. */
  point(from, to) {
    const track = element("overview").querySelector(".track");
    const box = element("overview").getBoundingClientRect();
    const edges = track.getBoundingClientRect();
    const at = (time) => (edges.left - box.left + this.share(time) * edges.width) / Math.max(1, box.width);
    this.cursor.hidden = false;
    place(this.cursor, at(from), at(to));
  }
}
