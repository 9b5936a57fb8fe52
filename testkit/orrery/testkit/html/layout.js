// layout.js: where everything of a run stands: lanes from left to right, time downwards. It makes a list of marks, each with
// the height at which it begins and ends; picture.js turns those that can be seen into SVG.
"use strict";

const drawnMax = 5000;    // events; more only when asked for
const shownAfter = 500;   // of those, so many at most come after the failure
const rowHeight = 30;
const gutter = 128;       // for the step and the time
const top0 = 26;
const gapMax = 72;        // time is drawn to scale up to this
const breakHeight = 44;   // and beyond it a break stands
const letter = 6.7;       // width of one, in pixels
const margin = 130;       // right of the last lane, for what is said beside it

/** Which events are drawn at most: those around the failure. */
function windowOf(model, wantsAll) {
  const count = model.events.length;
  if (wantsAll || count <= drawnMax) return [0, count];
  const end = model.failing < 0 ? count : Math.min(count, Math.max(drawnMax, model.failing + 1 + shownAfter));
  return [Math.max(0, end - drawnMax), end];
}

/** Whether the reader wants to see the event; the step that failed always. */
function isWanted(model, event, view) {
  if (event.index === model.failing) return true;
  if (view.hidden.has(categoryOf(event))) return false;
  if (view.actor !== "" && event.from !== view.actor && event.to !== view.actor && model.lane[event.index] !== view.actor) return false;
  if (view.message !== "" && event.name !== view.message) return false;
  if (view.text === "") return true;
  const all = [event.kind, event.from, event.to, event.message, event.reply, event.file, event.finding, ...event.before.flat(), ...event.after.flat()];
  return all.some((text) => text.toLowerCase().includes(view.text));
}

/** The lanes that are seen, and for each name the one on which it stands: a collapsed supervisor has those below it on its own. */
function placeLanes(model, view, rows) {
  const present = new Set(rows.flatMap((event) => [model.lane[event.index], event.from, event.to]));
  const place = new Map();
  const lanes = [];
  for (const lane of model.lanes) {
    if (place.has(lane.parent) && (view.collapsed.has(lane.parent) || lanes[place.get(lane.parent)].name !== lane.parent)) {
      place.set(lane.name, place.get(lane.parent));  // somebody above is collapsed
      ++lanes[place.get(lane.name)].folded;
      continue;
    }
    if (!present.has(lane.name) && lane.children === 0) continue;
    place.set(lane.name, lanes.length);
    lanes.push({ ...lane, folded: 0 });
  }
  const width = Math.floor(Math.max(140, Math.min(200, (view.room - gutter - margin) / Math.max(1, lanes.length))));
  lanes.forEach((lane, i) => { lane.x = gutter + width / 2 + i * width; });
  return { lanes, place, width };
}

/** Gives each row its height; returns the breaks too. */
function placeRows(model, view, rows) {
  const steps = rows.map((event, i) => Math.max(0, (event.time ?? 0) - (rows[i - 1]?.time ?? event.time ?? 0)));
  const waits = steps.filter((step) => step > 0).sort((a, b) => a - b);
  const unit = waits[waits.length >> 1] ?? 1;
  const y = new Map();
  const breaks = [];
  let at = top0;
  rows.forEach((event, i) => {
    const gap = view.mode === "time" && steps[i] > 0 ? (steps[i] / unit) * 24 : 0;
    if (gap > gapMax) {
      breaks.push({ y: at + breakHeight / 2 + 4, length: steps[i], event: event.index });
      at += breakHeight;
    } else at += gap;
    at += rowHeight;
    y.set(event.index, at);
    if (event.index === model.failing) at += 26;
  });
  return { y, breaks, height: at + 48 };
}

/** The whole picture of a run, as the reader wants it. */
function makeLayout(model, view) {
  const [first, end] = windowOf(model, view.wantsAll);
  const inWindow = model.events.slice(first, end);
  const rows = inWindow.filter((event) => isWanted(model, event, view));
  const { lanes, place, width } = placeLanes(model, view, rows);
  const { y, breaks, height } = placeRows(model, view, rows);
  const layout = { model, view, rows, lanes, place, laneWidth: width, y, height, first, end, marks: [], row: new Map(rows.map((event, i) => [event.index, i])) };
  layout.width = gutter + Math.max(1, lanes.length) * width + margin - 40;
  const xOf = (name) => lanes[place.get(name)]?.x;
  const add = (kind, event, y0, y1, fields) => layout.marks.push({ kind, event, y0, y1, ...fields });
  for (const gap of breaks) add("break", gap.event, gap.y - 12, gap.y + 12, { y: gap.y, x: gutter, x2: layout.width - margin + 40, text: formatTime(gap.length) + " pass" });
  addLives(layout, xOf, add);
  addHandlers(layout, xOf, add);
  for (const event of rows) addEvent(layout, event, xOf, add);
  addReplies(layout, xOf, add);
  // What no step is guilty of (nobody can go on, a check after the run) stands below the last one.
  if (model.failing < 0 && model.finding !== "" && end === model.events.length) add("finding", -1, height - 40, height - 10, { x: gutter, y: height - 36, text: "at the end of the run: " + model.finding });
  layout.marks.forEach((mark, id) => { mark.id = id; });
  return layout;
}

/** The line of each actor: from its beginning; dashed where it is dead. */
function addLives(layout, xOf, add) {
  const { model, y } = layout;
  const born = new Map();
  const changes = new Map();
  for (const event of model.events) {
    if (event.kind === "spawn" && y.has(event.index)) born.set(event.to, y.get(event.index));
    if (isOneOf(event, "exit", "restart") && y.has(event.index)) push(changes, event.from, event);
  }
  for (const lane of layout.lanes) {
    let from = born.get(lane.name) ?? 4;
    let isDead = false;
    const segment = (until, dead) => until > from && add("life", -1, from, until, { x: lane.x, isDead: dead });
    for (const event of lane.folded > 0 ? [] : changes.get(lane.name) ?? []) {
      segment(y.get(event.index), isDead);
      from = y.get(event.index);
      isDead = event.kind === "exit";
    }
    segment(layout.height, isDead);
  }
}

function addHandlers(layout, xOf, add) {
  const { model, y, view } = layout;
  for (const handler of layout.model.handlers) {
    const x = xOf(handler.who);
    const parts = handler.parts.filter((part) => y.has(part));
    if (x === undefined || parts.length === 0) continue;
    for (const part of parts) add("box", part, y.get(part) - 8, y.get(part) + 8, { x, y: y.get(part), isFailing: part === model.failing });
    if (view.hidden.has("waiting")) continue;
    for (let i = 1; i < parts.length; ++i) add("wait", parts[i - 1], y.get(parts[i - 1]) + 8, y.get(parts[i]) - 8, { x });
    const last = parts[parts.length - 1];
    if (handler.isOpen && last !== model.failing && last === handler.parts[handler.parts.length - 1]) {
      const until = handler.closedBy >= 0 && y.has(handler.closedBy) ? y.get(handler.closedBy) - 8 : layout.height - 20;
      if (handler.closedBy < 0 || y.has(handler.closedBy)) add("wait", last, y.get(last) + 8, until, { x, isOpen: handler.closedBy < 0 });
    }
  }
}

/** Where a message was sent: the row of its sender's step; undefined where the trace does not say. */
function sentAt(layout, event) {
  const { model, y } = layout;
  if (event.sentStep === undefined) return undefined;
  const own = model.sentBy[event.index];
  if (own >= 0 && model.events[own].step === event.sentStep && event.from !== "test") return y.get(own);
  // Later than that, in the middle of a handler, or by the body of the test, which has no rows: after the step before it.
  if (event.sentStep === 0) return layout.first === 0 ? top0 - 8 : undefined;
  const acting = model.actsIn.get(event.sentStep);
  return acting !== undefined && y.has(acting) ? y.get(acting) + 12 : undefined;
}

function addEvent(layout, event, xOf, add) {
  const { model, view } = layout;
  const y = layout.y.get(event.index);
  const isFailing = event.index === model.failing;
  const isSameInstant = layout.rows[layout.row.get(event.index) - 1]?.time === event.time;
  const what = whatHappens(model, event);
  add("row", event.index, y - 16, y + 14, { y, isFailing, step: isOneOf(event, "take", "resume", "finish") ? event.step : undefined, time: isSameInstant ? undefined : event.time });
  const category = categoryOf(event);
  const x = xOf(model.lane[event.index]);
  const room = Math.floor((layout.laneWidth - 22) / letter);
  const note = (text, style = "", columns = 2 * room) => add("note", event.index, y - 14, y + 6, { x: x ?? gutter + 4, y, text: cut(text, columns), style });
  if (event.kind === "take" || event.kind === "refuse" || event.kind === "wait for place" || category === "signal" || category === "spawn" || category === "setup" || event.kind === "late reply") {
    const from = xOf(event.from);
    const to = xOf(event.to) ?? from;
    const isLost = category === "lost";
    const style = isFailing ? "failing" : isLost ? "lost" : category === "setup" ? "spawn" : category;
    if (from === undefined || to === undefined || from === to) {
      note((isLost ? "✕ " : "") + what + (event.from !== event.to && event.from !== "" ? "  (" + event.from + ")" : ""), style);
    } else {
      const start = category === "message" ? Math.min(sentAt(layout, event) ?? y, y) : y;
      const columns = Math.max(room, Math.floor(Math.abs(from - to) / letter) - (start === y ? 4 : 8));
      add("arrow", event.index, Math.min(start, y) - 14, y + 6, { x: from, y: start, x2: to, y2: y, style, text: cut(what, columns), isLost, isFull: event.reply === "mailbox_full" });
    }
  } else if (event.kind === "fire") {
    add("timer", event.index, y - 14, y + 6, { x: x ?? gutter, y, text: cut(what, room) });
  } else if (event.kind === "stall") {
    add("band", event.index, y - 11, y + 11, { y, x: gutter, x2: layout.width - margin + 40, text: what });
  } else if (event.kind === "dead letter") {
    add("deadletter", event.index, y - 14, y + 6, { x: x ?? gutter, y, text: cut(what, 2 * room) });
  } else if (event.kind === "resume") {
    note("↳ " + what, isFailing ? "failing" : "quiet", room);
  } else if (isOneOf(event, "exit", "restart", "fault")) {
    const isNormal = event.kind === "exit" && /^(normal|shutdown|stopped)/.test(event.message);
    add("moment", event.index, y - 14, y + 8, { x: x ?? gutter + 8, y, glyph: event.kind === "restart" ? "↻" : isNormal ? "■" : "✕", style: event.kind === "restart" || isNormal ? "life" : "fault", text: cut(what, 2 * room) });
  } else if (event.kind === "finish") {
    add("box", event.index, y - 8, y + 8, { x: x ?? gutter, y, isFailing });
    note("⚙ " + what);
  } else {
    note("• " + what, "quiet", 4 * room);
  }
  if (!view.hidden.has("state") && x !== undefined) {
    const text = changesOf(event).map(([name, before, after]) => name + " " + before + " → " + after).join(", ");
    const isFromLeft = (xOf(event.from) ?? x) <= x && event.from !== event.to && xOf(event.from) !== x;
    if (text !== "") add("state", event.index, y - 4, y + 16, { x, y, side: isFromLeft ? 1 : -1, text: cut(text, room), isFailing });
  }
  if (isFailing) add("finding", event.index, y + 10, y + 34, { x: x ?? gutter + 8, y: y + 14, text: event.finding });
}

function addReplies(layout, xOf, add) {
  const { model, y, view } = layout;
  if (view.hidden.has("reply")) return;
  const room = Math.floor((layout.laneWidth - 22) / letter);
  for (const reply of model.replies) {
    const take = model.events[reply.take];
    const from = xOf(take.to);
    const to = xOf(take.from);
    if (reply.isLate || from === undefined || to === undefined || from === to || !y.has(reply.end)) continue;
    const start = y.get(reply.end) + 4;
    const end = y.has(reply.arrives) && reply.arrives !== reply.end ? y.get(reply.arrives) - 3 : start + 9;
    add("reply", reply.take, start - 4, end + 4, { x: from, y: start, x2: to, y2: end, text: cut(take.reply, room) });
  }
}
