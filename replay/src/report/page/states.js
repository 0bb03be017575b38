// TAPI call states: how each is shown. A colour never stands alone: the name is beside it, and
// states that are easily taken for one another differ in their pattern as well.

/** Names of call states, each with the family whose look it has. */
const STATE_FAMILIES = {
  OFFERING: "ringing",
  ACCEPTED: "ringing",
  RINGBACK: "ringing",
  DIALTONE: "begun",
  DIALING: "begun",
  PROCEEDING: "begun",
  CONNECTED: "talking",
  CONFERENCED: "talking",
  ONHOLD: "held",
  ONHOLDPENDTRANSFER: "held",
  ONHOLDPENDCONF: "held",
  BUSY: "failed",
  SPECIALINFO: "failed",
  DISCONNECTED: "failed",
  IDLE: "over",
};

/** The class of elements that show a state. */
function stateClass(state) {
  return `state ${STATE_FAMILIES[state] ?? "unknown"}`;
}

/** A state in words: `CONNECTED (ACTIVEHELD)`. */
function stateWords({ state, mode }) {
  return mode ? `${state} (${mode})` : state;
}
