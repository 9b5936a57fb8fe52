// model.js: what a run says: who took part, which handler waited, who answered whom, what led to what.
// Knows nothing of the page. Fields that it does not know are kept and shown as they are; absent ones are absent.
"use strict";

// What may never reach a picture as it is: control characters (no XML), and those that turn the direction of a line around.
const plain = (value) =>
  (value === undefined || value === null ? "" : typeof value === "object" ? JSON.stringify(value) : String(value))
    .replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\ufffe\uffff]/g, " ")
    .replace(/[\u202a-\u202e\u2066-\u2069\ud800-\udfff]/gu, "\ufffd");
const number = (value) => (value === undefined || value === null || value === "" || isNaN(Number(value)) ? undefined : Number(value));
const nameOf = (message) => message.split(/[{( ]/, 1)[0];

const knownFields = new Set(["schema", "step", "t_ns", "ts", "kind", "from", "to", "actor", "message", "msg", "text", "reply", "before",
  "after", "file", "line", "finding", "sent_step", "sent_ns", "rivals", "rivals_count"]);
// What stands where a reply would, when the handler ended in another way.
const endings = new Set(["failed", "unwound", "stashed", "passed on", "threw"]);

function timeOf(raw) {
  const exact = number(raw.t_ns);
  if (exact !== undefined) return exact;
  if (typeof raw.ts === "number") return raw.ts;
  const read = Date.parse(raw.ts);
  return isNaN(read) ? undefined : read * 1e6;
}

function readEvent(raw, index) {
  const fields = (all) => (all && typeof all === "object" ? Object.entries(all).map(([name, value]) => [plain(name), plain(value)]) : []);
  const event = {
    index,
    step: number(raw.step),
    time: timeOf(raw),
    kind: plain(raw.kind) || "log",
    from: plain(raw.from ?? raw.actor),
    to: plain(raw.to),
    message: plain(raw.message ?? raw.msg ?? raw.text),
    reply: plain(raw.reply),
    before: fields(raw.before),
    after: fields(raw.after),
    isAfterKnown: raw.after !== undefined,
    file: plain(raw.file),
    line: number(raw.line),
    finding: plain(raw.finding),
    sentStep: number(raw.sent_step),
    sentTime: number(raw.sent_ns),
    rivals: Array.isArray(raw.rivals) ? raw.rivals.map(plain) : [],
    rivalsCount: number(raw.rivals_count) ?? 0,
    others: Object.entries(raw).filter(([name]) => !knownFields.has(name)).map(([name, value]) => [plain(name), plain(value)]),
  };
  event.name = nameOf(event.message);
  event.isReply = event.kind === "take" && event.reply !== "" && !endings.has(event.reply);
  return event;
}

// The kinds by which a reader shows and hides.
function categoryOf(event) {
  switch (event.kind) {
    case "take": return "message";
    case "resume": return "resume";
    case "fire": return "timer";
    case "spawn": return event.step === 0 ? "setup" : "spawn";
    case "refuse": case "wait for place": case "late reply": case "dead letter": return "lost";
    case "fault": case "stall": return "fault";
    case "exit": case "restart": return "life";
    case "signal": return event.from === "runtime" ? "note" : "signal";
    case "finish": return "work";
    default: return "note";
  }
}

function isOneOf(event, ...kinds) { return kinds.includes(event.kind); }

/** Whose lane the event stands on; "" for what concerns the whole run. */
function laneOf(event, isKnown) {
  if (isOneOf(event, "take", "fire")) return event.to;
  if (event.kind === "stall") return "";
  if (event.kind === "signal" && event.from === "runtime") {
    const who = event.message.split(/[,: ]/, 1)[0];
    return isKnown(who) ? who : "";
  }
  return event.from;
}

/** Children below their parents, each in the order of appearance; the body of the test first. */
function orderLanes(names) {
  const known = new Set(names);
  const parentOf = new Map();
  for (const name of names) {
    for (let at = name.lastIndexOf("/"); at > 0; at = name.lastIndexOf("/", at - 1)) {
      if (!known.has(name.slice(0, at))) continue;
      parentOf.set(name, name.slice(0, at));
      break;
    }
  }
  const children = new Map();
  for (const name of names) {
    const parent = parentOf.get(name) ?? "";
    if (!children.has(parent)) children.set(parent, []);
    children.get(parent).push(name);
  }
  const lanes = [];
  const add = (name, depth) => {
    lanes.push({ name, depth, parent: parentOf.get(name) ?? "", children: (children.get(name) ?? []).length });
    for (const child of children.get(name) ?? []) add(child, depth + 1);
  };
  const roots = children.get("") ?? [];
  for (const root of roots.filter((name) => name === "test")) add(root, 0);
  for (const root of roots.filter((name) => name !== "test")) add(root, 0);
  return lanes;
}

/** From a take to its end: `parts` are the events in which it ran, between them it waited. */
function findHandlers(events, lane) {
  const handlers = [];
  const running = new Map();
  const close = (who, closer) => {
    const handler = running.get(who);
    if (!handler) return;
    handler.closedBy = closer;
    running.delete(who);
  };
  for (const event of events) {
    const who = lane[event.index];
    if (event.kind === "take") {
      close(who, event.index);
      const handler = { who, parts: [event.index], closedBy: -1, isOpen: event.before.length > 0 && !event.isAfterKnown && event.reply === "" };
      running.set(who, handler);
      handlers.push(handler);
    } else if (event.kind === "resume") {
      running.get(who)?.parts.push(event.index);
    } else if (isOneOf(event, "exit", "restart")) {
      close(who, event.index);
    }
  }
  return handlers;
}

/** Where each reply arrives: with the event in which the asker goes on, with the one that says that it came too late, or at once. */
function findReplies(events, lane, handlers) {
  const goesOn = new Map();  // by actor, where it goes on, ascending
  const tooLate = new Map();
  for (const event of events) {
    if (event.kind === "resume") push(goesOn, lane[event.index], event.index);
    if (event.kind === "late reply") push(tooLate, event.from + "\n" + event.to + "\n" + nameOf(event.message), event.index);
  }
  const replies = [];
  for (const handler of handlers) {
    const take = events[handler.parts[0]];
    if (!take.isReply) continue;
    const end = handler.parts[handler.parts.length - 1];
    const late = (tooLate.get(take.to + "\n" + take.from + "\n" + take.name) ?? []).find((index) => index > take.index);
    const next = firstAfter(goesOn.get(take.from) ?? [], end);
    replies.push({ take: take.index, end, arrives: late ?? next ?? end, isLate: late !== undefined, isSeen: late !== undefined || next !== undefined });
  }
  return replies;
}

function push(map, key, value) {
  if (!map.has(key)) map.set(key, []);
  map.get(key).push(value);
}
/** The last of these events whose step is not after `step`. */
function lastUntil(events, ascending, step) {
  let at = ascending.length - 1;
  while (at >= 0 && (events[ascending[at]].step ?? 0) > step) --at;
  return ascending[at];
}
function firstAfter(ascending, limit) {
  let low = 0, high = ascending.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ascending[middle] > limit) high = middle; else low = middle + 1;
  }
  return ascending[low];
}

/** For each event those that it needs; `main` is the one that a reader asks for first. */
function findCauses(events, lane, replies) {
  const causes = events.map(() => []);
  const main = events.map(() => -1);
  const sentBy = events.map(() => -1);  // the sender's last event when it sent
  const latest = new Map();   // by actor, its last event
  const actsIn = new Map();   // by step, who ran in it
  const history = new Map();  // by actor, all of them
  const stopped = new Map();  // by actor, who wanted it to end
  const arriving = new Map();
  for (const reply of replies) {
    if (reply.isSeen) push(arriving, reply.arrives, reply.end);
  }
  const need = (index, cause, isMain) => {
    if (cause === undefined || cause < 0 || cause === index) return;
    causes[index].push(cause);
    if (isMain) main[index] = cause;
  };
  for (const event of events) {
    const index = event.index;
    const who = lane[index];
    need(index, latest.get(who), true);
    if (event.kind === "take") {
      const sender = event.sentStep === undefined ? latest.get(event.from) : lastUntil(events, history.get(event.from) ?? [], event.sentStep);
      sentBy[index] = sender ?? -1;
      need(index, sender, true);
    }
    for (const end of arriving.get(index) ?? []) need(index, end, event.kind === "resume");
    if (isOneOf(event, "exit", "restart")) {
      need(index, stopped.get(who), true);
      const at = who.lastIndexOf("/");
      if (event.kind === "restart" && at > 0) need(index, latest.get(who.slice(0, at)), true);
    }
    if (event.kind === "signal") stopped.set(event.to, index);
    if (event.kind === "spawn" && !latest.has(event.to)) latest.set(event.to, index);
    if (who !== "") {
      latest.set(who, index);
      push(history, who, index);
    }
    if (isOneOf(event, "take", "resume", "finish") && event.step !== undefined) {
      if (!actsIn.has(event.step)) actsIn.set(event.step, index);
    }
  }
  return { causes, main, actsIn, sentBy };
}

/** What a run is: `raw` as in the document, events and all. */
function makeModel(raw) {
  const events = (raw.events ?? []).map(readEvent);
  const names = [];
  const seen = new Set(["", "clock", "runtime", "dead letters"]);  // no lanes of their own
  const meet = (name) => {
    if (seen.has(name)) return;
    seen.add(name);
    names.push(name);
  };
  for (const event of events) {
    if (event.kind === "signal" && event.from === "runtime") continue;
    meet(event.from);
    meet(event.to);
  }
  const known = new Set(names);
  const lane = events.map((event) => laneOf(event, (name) => known.has(name)));
  const handlers = findHandlers(events, lane);
  const replies = findReplies(events, lane, handlers);
  const { causes, main, actsIn, sentBy } = findCauses(events, lane, replies);
  const failing = events.findIndex((event) => event.finding !== "");
  const takesOf = new Map();
  for (const event of events) if (event.kind === "take") push(takesOf, event.to, event);
  const handlerOf = new Map();
  for (const handler of handlers) for (const part of handler.parts) handlerOf.set(part, handler);
  return { title: plain(raw.title), raw, events, lanes: orderLanes(names), lane, handlers, handlerOf, replies, causes, main, actsIn, sentBy, failing, takesOf, finding: plain(raw.finding), hasTime: events.some((event) => event.time > 0) };
}

/** Everything that may have led to an event, and the event itself. */
function pastOf(model, index) {
  if (model.lastPast?.index !== index) model.lastPast = { index, past: findPast(model, index) };
  return model.lastPast.past;
}
function findPast(model, index) {
  const past = new Set([index]);
  const open = [index];
  while (open.length > 0) {
    for (const cause of model.causes[open.pop()]) {
      if (past.has(cause)) continue;
      past.add(cause);
      open.push(cause);
    }
  }
  return past;
}

function whatHappens(model, event) {
  switch (event.kind) {
    case "resume": {
      const handler = model.handlerOf.get(event.index);
      return handler ? model.events[handler.parts[0]].name + " goes on" : "goes on";
    }
    case "spawn": return event.to + " begins";
    case "refuse": return event.message + " refused: " + event.reply;
    case "wait for place": return event.message + " waits for a place";
    case "late reply": return "late reply to " + event.message;
    case "restart": return "restarted, " + event.message;
    case "exit": return "ends: " + event.message;
    case "dead letter": return "dead letter: " + event.message;
    case "finish": return event.message + (event.reply ? " " + event.reply : "");
    case "signal": return event.from === "runtime" ? event.to + ": " + event.message : event.message;
    default: return event.message || event.kind;
  }
}

/** The fields that a handler changed, as [name, before, after]. */
function changesOf(event) {
  const before = new Map(event.before);
  return event.after.filter(([name, value]) => before.has(name) && before.get(name) !== value).map(([name, value]) => [name, before.get(name), value]);
}

/** "Withdraw{amount=100, by=Id{3}}" as [["amount", "100"], ["by", "Id{3}"]]; nothing where it is written otherwise. */
function payloadOf(message) {
  const open = message.indexOf("{");
  const close = message.lastIndexOf("}");
  if (open < 0 || close < open) return [];
  const parts = [];
  let depth = 0, isQuoted = false, part = "";
  for (const c of message.slice(open + 1, close)) {
    if (c === '"' && !part.endsWith("\\")) isQuoted = !isQuoted;
    if (!isQuoted && "{[(".includes(c)) ++depth;
    if (!isQuoted && "}])".includes(c)) --depth;
    if (c === "," && depth === 0 && !isQuoted) {
      parts.push(part.trim());
      part = "";
    } else part += c;
  }
  if (part.trim() !== "") parts.push(part.trim());
  return parts.map((text, place) => {
    const at = text.search(/[={"[(]/);
    return at > 0 && text[at] === "=" ? [text.slice(0, at), text.slice(at + 1)] : [String(place), text];
  });
}

/** What lies in the mailbox of an actor once `index` is over: only known where the trace says when messages were sent. */
function mailboxAfter(model, who, index) {
  const step = model.events[index].step ?? 0;
  return (model.takesOf.get(who) ?? []).filter((event) => event.index > index && event.sentStep !== undefined && event.sentStep <= step);
}

function formatTime(nanoseconds) {
  if (nanoseconds === undefined) return "";
  for (const [unit, size] of [["h", 3600e9], ["min", 60e9], ["s", 1e9], ["ms", 1e6], ["us", 1e3]]) {
    if (nanoseconds >= size) return String(Math.round((nanoseconds / size) * 1e6) / 1e6) + " " + unit;
  }
  return nanoseconds === 0 ? "0" : nanoseconds + " ns";
}
/** A point in time: virtual time counts from 0, a log of a production run has dates. */
function formatInstant(nanoseconds) {
  if (nanoseconds === undefined) return "";
  return nanoseconds > 1e17 ? new Date(Math.round(nanoseconds / 1e6)).toISOString().slice(11, 23) : formatTime(nanoseconds);
}
const cut = (text, columns) => (text.length <= columns ? text : columns < 2 ? "" : text.slice(0, columns - 1) + "…");
const baseName = (path) => path.slice(path.lastIndexOf("/") + 1);
const countOf = (count, what) => count.toLocaleString("en") + " " + what + (count === 1 ? "" : "s");
