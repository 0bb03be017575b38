// A list of which only the rows in view are in the page, so that a hundred thousand rows cost as
// much as thirty. All rows have one height. The list has the focus; its current row is named by
// aria-activedescendant, and arrows, Page Up and Down, Home and End move it.

/** Rows drawn beyond each edge, so that scrolling does not uncover blanks. */
const SPARE_ROWS = 8;

class VirtualList {
  /**
   * `row(index)` makes a row, `choose(index)` is told when the current row is another one, `open(index)`
   * when it is opened by Enter or a click.
   */
  constructor(box, { height, role, rowRole, label, row, choose, open }) {
    Object.assign(this, { box, height, rowRole, row, choose, open });
    this.count = 0;
    this.current = -1;
    this.shown = new Map();
    this.isWhole = false;
    this.inner = make("div", { class: "rows", role: role === "grid" ? "rowgroup" : "presentation" });
    for (const [name, value] of Object.entries({ role, tabindex: "0", "aria-label": label })) {
      box.setAttribute(name, value);
    }
    box.append(this.inner);
    box.addEventListener("scroll", () => this.paint(), { passive: true });
    box.addEventListener("keydown", (event) => this.key(event));
    this.inner.addEventListener("click", (event) => this.clicked(event));
    new ResizeObserver(() => this.paint()).observe(box);
  }

  /** Shows so many rows anew. */
  fill(count, current = -1) {
    this.count = count;
    this.current = Math.min(current, count - 1);
    this.inner.style.height = `${count * this.height}px`;
    this.box.setAttribute("aria-rowcount", count);
    this.repaint();
  }

  /** Draws all rows again that are in view. */
  repaint() {
    this.inner.replaceChildren();
    this.shown.clear();
    this.paint();
  }

  /** Draws what has come into view, and takes away what has left it. */
  paint() {
    const [first, end] = this.range();
    for (const [index, node] of this.shown) {
      if (index < first || index >= end) {
        node.remove();
        this.shown.delete(index);
      }
    }
    for (let index = first; index < end; index += 1) {
      if (!this.shown.has(index)) this.add(index);
    }
    this.markCurrent();
  }

  range() {
    if (this.isWhole) return [0, this.count];
    const rows = Math.ceil(this.box.clientHeight / this.height);
    const top = Math.floor(Math.max(0, this.box.scrollTop - this.inner.offsetTop) / this.height);
    return [Math.max(0, top - SPARE_ROWS), Math.min(this.count, top + rows + SPARE_ROWS)];
  }

  add(index) {
    const node = this.row(index);
    node.id = `${this.box.id}-${index}`;
    node.dataset.row = index;
    node.setAttribute("role", this.rowRole);
    if (this.rowRole === "option") {
      node.setAttribute("aria-setsize", this.count);
      node.setAttribute("aria-posinset", index + 1);
    } else {
      node.setAttribute("aria-rowindex", index + 1);
    }
    node.classList.add("row");
    node.style.top = `${index * this.height}px`;
    this.shown.set(index, node);
    this.inner.append(node);
  }

  markCurrent() {
    for (const [index, node] of this.shown) {
      node.setAttribute("aria-selected", index === this.current);
    }
    if (this.shown.has(this.current)) {
      this.box.setAttribute("aria-activedescendant", `${this.box.id}-${this.current}`);
    } else {
      this.box.removeAttribute("aria-activedescendant");
    }
  }

  /** Makes a row the current one and brings it into view, without telling anybody. */
  moveTo(index) {
    this.current = index;
    this.reveal(index);
    this.paint();
  }

  reveal(index) {
    if (index < 0) return;
    const top = this.inner.offsetTop + index * this.height;
    // What sticks to the upper edge covers rows.
    const covered = this.inner.offsetTop;
    if (top - covered < this.box.scrollTop) {
      this.box.scrollTop = top - covered;
    } else if (top + this.height > this.box.scrollTop + this.box.clientHeight) {
      this.box.scrollTop = top + this.height - this.box.clientHeight;
    }
  }

  /** All rows at once, for paper; or only those in view again. */
  showWhole(isWhole) {
    this.isWhole = isWhole;
    this.paint();
  }

  select(index) {
    if (this.count === 0) return;
    this.moveTo(Math.max(0, Math.min(this.count - 1, index)));
    this.choose(this.current);
  }

  clicked(event) {
    const node = event.target.closest("[data-row]");
    // Buttons within a row have something of their own to do.
    if (!node || event.target.closest("button")) return;
    this.select(Number(node.dataset.row));
    this.open?.(this.current);
  }

  key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.target !== this.box) return;
    const page = Math.max(1, Math.floor(this.box.clientHeight / this.height) - 1);
    const moves = {
      ArrowDown: this.current + 1,
      ArrowUp: this.current - 1,
      PageDown: this.current + page,
      PageUp: this.current - page,
      Home: 0,
      End: this.count - 1,
    };
    if (event.key in moves) {
      this.select(moves[event.key]);
    } else if (event.key === "Enter" && this.current >= 0 && this.open) {
      this.open(this.current);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }
}
