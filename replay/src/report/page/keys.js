// The keyboard: what works everywhere in the page. Lists, tabs and the slider have their own keys.

const KEYS = [
  ["/", "Search"],
  ["↑ ↓", "Through the list, or the ladder, that has the focus"],
  ["Enter", "Open: a call, the calls of a line, the calls at an event"],
  ["← →", "A step back or on in the call"],
  ["Shift + ← →", "To the last or next change of state"],
  ["[ ]", "The call before or after"],
  ["m", "Mark all steps of the request of this step"],
  ["1 2 3", "Calls, lines, events"],
  ["o", "Only calls with something odd"],
  ["l", "To the ladder"],
  ["d", "Dark or light"],
  ["p", "Print the call"],
  ["Esc", "Back: takes away a mark, a search, the call"],
  ["?", "This list"],
];

/** Listens for keys; `acts` has a function for each. */
function listenForKeys(acts) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || element("help").open) return;
    const isTyping = event.target.matches("input[type=search]");
    if (isTyping) return;
    const name = event.shiftKey && event.key.startsWith("Arrow") ? `Shift ${event.key}` : event.key;
    const act = acts[name];
    if (!act) return;
    event.preventDefault();
    act();
  });
}

function fillHelp() {
  const rows = KEYS.map(([key, what]) => make("tr", {}, make("th", { scope: "row" }, make("kbd", {}, key)), make("td", {}, what)));
  const arrows = [["solid full", "head-full", "Requests, and events of the PBX"], ["solid open", "head-open", "Callbacks"],
    ["dashed open", "head-open", "Answers and completions"], ["dashed bad", "head-bad", "Completions with an error"]];
  const legend = arrows.map(([classes, head, what]) => make("tr", {},
    make("th", { scope: "row" }, draw("svg", { width: 64, height: 12, "aria-hidden": "true" },
      draw("line", { class: `arrow ${classes}`, x1: 2, x2: 66, y1: 6, y2: 6, "marker-end": `url(#${head})` }))),
    make("td", {}, what)));
  const states = [["OFFERING", "rings"], ["DIALING", "begins"], ["CONNECTED", "talks"], ["ONHOLD", "on hold"], ["DISCONNECTED", "failed, or over at one end"], ["IDLE", "over"]];
  const families = states.map(([state, what]) => make("tr", {},
    make("th", { scope: "row" }, make("span", { class: `pill ${stateClass(state)}` }, state)), make("td", {}, what)));
  refill(element("help"),
    make("header", {}, make("h2", { id: "help-title" }, "Keys and signs"),
      button("Close", {}, () => element("help").close())),
    make("div", { class: "columns" }, make("table", {}, make("tbody", {}, ...rows)),
      make("table", {}, make("tbody", {}, ...legend, ...families))));
}
