// Elements of the page. Texts come from PBXs and applications, so they are only ever set as text:
// a name that looks like HTML stays a name. Nothing here, or elsewhere, takes HTML as a string.

function element(id) {
  return document.getElementById(id);
}

/** An element with attributes and children; a child that is no element is a text. */
function make(tag, attributes, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** The same in a drawing. */
function draw(tag, attributes, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    // `false` and `undefined` stand for an attribute that is not there.
    if (value !== undefined && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  for (const child of children) {
    if (isNothing(child)) continue;
    node.append(child instanceof Node ? child : String(child));
  }
  return node;
}

/** Replaces what is in a node. */
function refill(node, ...children) {
  node.replaceChildren(...children.filter((child) => !isNothing(child)));
}

/** What `condition && node` gives where the condition does not hold. */
function isNothing(child) {
  return child === null || child === undefined || child === false || child === "";
}

/** Places a node between two shares of the width of its parent. */
function place(node, from, to) {
  // Through the object model: the page's policy forbids style attributes.
  node.style.left = `${(100 * from).toFixed(4)}%`;
  node.style.width = `${(100 * Math.max(0, to - from)).toFixed(4)}%`;
  return node;
}

/** A button that says what it does. */
function button(text, attributes, act) {
  const node = make("button", { type: "button", ...attributes }, text);
  node.addEventListener("click", act);
  return node;
}
