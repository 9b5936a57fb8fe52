// picture.js: marks as SVG. Only what can be seen stands in the page, so that the work for a key does not grow with the run.
// Whatever a name or a message says goes through textContent or setAttribute, never through markup.
"use strict";

const svgSpace = "http://www.w3.org/2000/svg";
const bucketHeight = 640;
const tallBuckets = 8;     // what spans more is looked at each time
const overscan = 240;      // above and below what can be seen

function svg(name, attributes = {}, text) {
  const node = document.createElementNS(svgSpace, name);
  for (const [key, value] of Object.entries(attributes)) if (value !== undefined) node.setAttribute(key, value);
  if (text !== undefined) node.textContent = text;
  return node;
}

function arrowHead(x, y, x1, y1, className) {
  const angle = Math.atan2(y - y1, x - x1);
  const at = (turn, length) => (x + Math.cos(angle + turn) * length).toFixed(1) + "," + (y + Math.sin(angle + turn) * length).toFixed(1);
  return svg("polygon", { points: x.toFixed(1) + "," + y.toFixed(1) + " " + at(2.7, 9) + " " + at(-2.7, 9), class: "head " + className });
}
const cross = (x, y, size = 6) => "M" + (x - size) + " " + (y - size) + "L" + (x + size) + " " + (y + size) + "M" + (x - size) + " " + (y + size) + "L" + (x + size) + " " + (y - size);

/** A line from lane to lane that ends before the box of its receiver. What was under way for a while comes in on a slope and
    arrives level, so that its text stands above the line and beside whom it concerns. */
function drawArrow(g, mark, style, headRoom) {
  const sign = mark.x2 > mark.x ? 1 : -1;
  const tip = mark.x2 - sign * headRoom;
  const level = Math.min(mark.text.length * letter + 22, Math.abs(mark.x2 - mark.x) - 14);
  const bend = mark.y === mark.y2 ? mark.x : mark.x2 - sign * Math.max(level, 20);
  g.append(svg("polyline", { points: [[mark.x, mark.y], [bend, mark.y2], [tip, mark.y2]].map((point) => point.join(",")).join(" "), class: "line " + style }));
  g.append(arrowHead(tip, mark.y2, bend, mark.y2, style));
  const isShort = mark.y === mark.y2 && Math.abs(mark.x2 - mark.x) < 400;
  const x = isShort ? (mark.x + mark.x2) / 2 : mark.x2 - sign * 16;
  g.append(svg("text", { x, y: mark.y2 - 5, "text-anchor": isShort ? "middle" : sign > 0 ? "end" : "start", class: "label " + style }, mark.text));
}

const draw = {
  row(g, m, layout) {
    g.append(svg("rect", { x: 0, y: m.y - 15, width: layout.width, height: m.isFailing ? 54 : 29, class: m.isFailing ? "hit failing" : "hit" }));
    if (m.isFailing) g.append(svg("rect", { x: 0, y: m.y - 15, width: 4, height: 54, class: "failbar" }));
    if (m.step !== undefined) g.append(svg("text", { x: 48, y: m.y + 4, "text-anchor": "end", class: "step" }, (m.isFailing ? "✗ " : "") + m.step));
    if (m.time !== undefined && layout.model.hasTime) g.append(svg("text", { x: gutter - 8, y: m.y + 4, "text-anchor": "end", class: "time" }, formatInstant(m.time)));
  },
  life(g, m) { g.append(svg("line", { x1: m.x, x2: m.x, y1: m.y0, y2: m.y1, class: m.isDead ? "lifeline dead" : "lifeline" })); },
  box(g, m) { g.append(svg("rect", { x: m.x - 6, y: m.y - 8, width: 12, height: 16, rx: 2, class: m.isFailing ? "box failing" : "box" })); },
  wait(g, m) {
    g.append(svg("rect", { x: m.x - 4, y: m.y0, width: 8, height: Math.max(0, m.y1 - m.y0), class: "wait", fill: "url(#hatch)" }));
    if (m.isOpen) g.append(svg("text", { x: m.x + 10, y: m.y1, class: "label quiet" }, "still waits"));
  },
  arrow(g, m) {
    drawArrow(g, m, m.style, m.isLost ? 16 : 8);
    if (m.isLost) g.append(svg("path", { d: cross(m.x2 + (m.x2 > m.x ? -10 : 10), m.y2), class: "line lost solid" }));
    if (m.isFull) g.append(svg("rect", { x: m.x2 - 7, y: m.y2 - 6, width: 14, height: 12, class: "fullbox" }));
  },
  reply(g, m) { drawArrow(g, m, "reply", 8); },
  timer(g, m) {
    g.append(svg("circle", { cx: m.x - 50, cy: m.y, r: 6, class: "clock" }), svg("path", { d: "M" + (m.x - 50) + " " + (m.y - 4) + "V" + m.y + "H" + (m.x - 47), class: "clock" }));
    g.append(svg("line", { x1: m.x - 43, y1: m.y, x2: m.x - 8, y2: m.y, class: "line timer" }), arrowHead(m.x - 8, m.y, m.x - 43, m.y, "timer"));
    g.append(svg("text", { x: m.x + 12, y: m.y + 4, class: "label timer" }, m.text));
  },
  note(g, m) { g.append(svg("text", { x: m.x + 12, y: m.y + 4, class: "label " + m.style }, m.text)); },
  moment(g, m) {
    g.append(svg("circle", { cx: m.x, cy: m.y, r: 9, class: "disc " + m.style }), svg("text", { x: m.x, y: m.y + 5, "text-anchor": "middle", class: "glyph " + m.style }, m.glyph));
    g.append(svg("text", { x: m.x + 14, y: m.y + 4, class: "label " + m.style }, m.text));
  },
  deadletter(g, m) {
    g.append(svg("line", { x1: m.x, y1: m.y, x2: m.x + 26, y2: m.y, class: "line lost" }), svg("path", { d: cross(m.x + 32, m.y, 5), class: "line lost solid" }));
    g.append(svg("text", { x: m.x + 42, y: m.y + 4, class: "label lost" }, m.text));
  },
  band(g, m) {
    g.append(svg("rect", { x: m.x, y: m.y - 10, width: m.x2 - m.x, height: 20, class: "band", fill: "url(#hatch)" }));
    g.append(svg("text", { x: (m.x + m.x2) / 2, y: m.y + 4, "text-anchor": "middle", class: "label fault" }, "‖ " + m.text));
  },
  break(g, m) {
    let path = "M" + m.x + " " + m.y;
    for (let x = m.x, i = 0; x < m.x2; x += 8, ++i) path += "l8 " + (i % 2 === 0 ? -5 : 5);
    g.append(svg("path", { d: path, class: "zigzag" }), svg("text", { x: gutter - 8, y: m.y + 4, "text-anchor": "end", class: "gap" }, "⋮ " + m.text));
  },
  state(g, m) { g.append(svg("text", { x: m.x + 12 * m.side, y: m.y + 13, "text-anchor": m.side > 0 ? "start" : "end", class: m.isFailing ? "label statechange failing" : "label statechange" }, m.text)); },
  finding(g, m, layout) {
    const text = "✗ " + m.text;
    const width = text.length * 7.4 + 20;
    const x = Math.max(gutter, Math.min(m.x - width / 2, layout.width - width - 8));
    g.append(svg("rect", { x, y: m.y, width, height: 21, rx: 4, class: "finding" }), svg("text", { x: x + 10, y: m.y + 15, class: "findingtext" }, text));
  },
};
// What is drawn over what.
const order = ["row", "life", "break", "band", "wait", "reply", "arrow", "timer", "deadletter", "box", "moment", "note", "state", "finding"];

function nodeOf(mark, layout) {
  const g = svg("g", { class: "mark" });
  if (mark.event >= 0) g.setAttribute("data-event", mark.event);
  draw[mark.kind](g, mark, layout);
  return g;
}

function definitions() {
  const defs = svg("defs");
  const hatch = svg("pattern", { id: "hatch", width: 5, height: 5, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" });
  hatch.append(svg("line", { x1: 0, y1: 0, x2: 0, y2: 5, class: "hatchline" }));
  defs.append(hatch);
  return defs;
}

/** Keeps in the page what can be seen of a layout. `touched` counts the elements that it made, removed or changed. */
class Picture {
  constructor(scroller, canvas, head) {
    this.scroller = scroller;
    this.canvas = canvas;
    this.head = head;
    this.mounted = new Map();
    this.touched = 0;
    this.isDim = () => false;
    this.selected = -1;
    scroller.addEventListener("scroll", () => this.update(), { passive: true });
    new ResizeObserver(() => this.update()).observe(scroller);
  }

  show(layout) {
    this.layout = layout;
    this.mounted.clear();
    this.canvas.replaceChildren(definitions());
    this.layers = new Map(order.map((kind) => [kind, svg("g", { class: "layer-" + kind })]));
    this.canvas.append(...this.layers.values());
    this.canvas.setAttribute("width", layout.width);
    this.canvas.setAttribute("height", layout.height);
    this.buckets = [];
    this.tall = [];
    for (const mark of layout.marks) {
      const low = Math.max(0, Math.floor(mark.y0 / bucketHeight));
      const high = Math.floor(mark.y1 / bucketHeight);
      if (high - low > tallBuckets) this.tall.push(mark);
      else for (let i = low; i <= high; ++i) (this.buckets[i] ??= []).push(mark);
    }
    this.update();
  }

  update() {
    if (!this.layout) return;
    const from = this.scroller.scrollTop - overscan;
    const to = this.scroller.scrollTop + this.scroller.clientHeight + overscan;
    const wanted = new Set();
    const look = (mark) => mark.y1 >= from && mark.y0 <= to && wanted.add(mark);
    for (let i = Math.max(0, Math.floor(from / bucketHeight)); i <= Math.floor(to / bucketHeight); ++i) (this.buckets[i] ?? []).forEach(look);
    this.tall.forEach(look);
    for (const [mark, node] of this.mounted) {
      if (wanted.has(mark)) continue;
      node.remove();
      this.mounted.delete(mark);
      ++this.touched;
    }
    for (const mark of wanted) {
      if (this.mounted.has(mark)) continue;
      const node = nodeOf(mark, this.layout);
      this.style(mark, node);
      this.layers.get(mark.kind).append(node);
      this.mounted.set(mark, node);
      ++this.touched;
    }
  }

  style(mark, node) {
    const isDim = mark.event >= 0 && this.isDim(mark.event);
    const className = "mark" + (isDim ? " dim" : "") + (mark.event === this.selected && mark.event >= 0 ? " selected" : "");
    if (node.getAttribute("class") === className) return;
    node.setAttribute("class", className);
    ++this.touched;
  }

  /** Marks the event, and greys out what `isDim` says. */
  select(event, isDim) {
    this.selected = event;
    this.isDim = isDim;
    for (const [mark, node] of this.mounted) this.style(mark, node);
  }

  reveal(event) {
    const y = this.layout.y.get(event);
    if (y === undefined) return;
    const { scrollTop, clientHeight } = this.scroller;
    const head = this.head.offsetHeight;
    const lane = this.layout.lanes[this.layout.place.get(this.layout.model.lane[event])];
    if (lane && (lane.x - 60 < this.scroller.scrollLeft || lane.x + 60 > this.scroller.scrollLeft + this.scroller.clientWidth)) {
      this.scroller.scrollLeft = Math.max(0, lane.x - this.scroller.clientWidth / 2);
    }
    if (y - 40 < scrollTop || y + 60 + head > scrollTop + clientHeight) this.scroller.scrollTop = Math.max(0, y - (clientHeight - head) / 2);
    this.update();
  }
}
