// Puts the page together. The address behind the # names the selected call, so that a link leads to it
// and the browser's own way back works.

function start() {
  const report = new ReportData();
  fillHead(report);
  const overview = new Overview(report, (at) => finder.atTime(at));
  const page = new CallPage(report, {
    openKey: (key) => open(report.calls.find((call) => call.key === key)),
    pointed: (from, to) => overview.point(from, to),
    close: () => close(),
  });
  const finder = new Finder(report, (call, isOpened) => open(call, isOpened));

  function open(call, isOpened = false) {
    if (!call) return;
    page.show(call);
    finder.mark(call);
    history.replaceState(null, "", `#${encodeURIComponent(call.key)}`);
    if (!isOpened) return;
    // Where there is room for one pane only, the call takes the place of the list.
    element("panes").classList.add("open");
    element("ladder")?.focus({ preventScroll: true });
  }

  function close() {
    element("panes").classList.remove("open");
    finder.open("calls");
    finder.focus();
  }

  function openNamed() {
    const key = decodeURIComponent(location.hash.slice(1));
    open(report.calls.find((call) => call.key === key) ?? report.calls[0]);
  }

  const actions = { report, page, finder, close };
  listenForKeys(keyActs(actions));
  listenToTools(actions);
  addEventListener("hashchange", openNamed);
  addEventListener("resize", () => page.call && overview.point(page.call.at, page.call.end));
  openNamed();
}

function keyActs({ page, finder, close }) {
  const search = () => {
    element("panes").classList.remove("open");
    element("search").focus();
    element("search").select();
  };
  return {
    "/": search,
    "[": () => finder.step(-1),
    "]": () => finder.step(1),
    ArrowLeft: () => page.stepBy(-1),
    ArrowRight: () => page.stepBy(1),
    "Shift ArrowLeft": () => page.stateBy(-1),
    "Shift ArrowRight": () => page.stateBy(1),
    m: () => page.mark(),
    1: () => finder.open("calls"),
    2: () => finder.open("lines"),
    3: () => finder.open("events"),
    o: () => finder.onlyOdd(),
    l: () => element("ladder")?.focus(),
    d: switchTheme,
    p: () => print(),
    "?": () => element("help").showModal(),
    Escape: () => page.unmark() || close(),
  };
}

function listenToTools({ page }) {
  element("theme").addEventListener("click", switchTheme);
  element("print").addEventListener("click", () => print());
  element("keys").addEventListener("click", () => element("help").showModal());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", nameTheme);
  addEventListener("beforeprint", () => page.showWhole(true));
  addEventListener("afterprint", () => page.showWhole(false));
  nameTheme();
  fillHelp();
}

/** Name, extent, and what is missing. */
function fillHead({ about, calls, lines }) {
  document.title = `${about.file} · Tapline report`;
  element("file").textContent = about.file;
  element("file").title = `made by tapline ${about.version}`;
  const when = about.records === 0 ? "no records"
    : `${dateOf(about.from_ms)} ${timeOfDay(about.from_ms).slice(0, 8)} to `
      + `${dateOf(about.to_ms) === dateOf(about.from_ms) ? "" : `${dateOf(about.to_ms)} `}${timeOfDay(about.to_ms).slice(0, 8)} UTC`;
  element("summary").textContent = [when, counted(calls.length, "call"), counted(lines.length, "line"),
    counted(about.records, "record"), ...about.facts].join(" · ");
  refill(element("notes"), ...about.notes.map((note) => make("p", {}, note)));
}

start();
