// panels.js: what stands beside the picture: one step in words, two runs side by side, histories of operations.
"use strict";

/** An element with text, never with markup: el("td", {class: "name"}, "text", another element). */
function el(name, attributes = {}, ...content) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (value === true) node.setAttribute(key, "");
    else if (value !== undefined && value !== false) node.setAttribute(key, value);
  }
  node.append(...content.filter((part) => part !== undefined && part !== ""));
  return node;
}
const pairs = (rows, className) => el("table", { class: className }, ...rows.map(([name, ...values]) => el("tr", {}, el("th", { scope: "row" }, name), ...values.map((value) => el("td", {}, value)))));

/** "step 9" for what has a number, else what kind of thing it is. */
const titleOf = (event) => (isOneOf(event, "take", "resume", "finish") && event.step !== undefined ? "Step " + event.step : event.kind === "fire" ? "timer" : event.kind);

function sentenceOf(model, event) {
  const what = whatHappens(model, event);
  if (event.kind === "take") return event.from + " → " + event.to + ": " + what + (event.reply ? " = " + event.reply : "");
  return (event.from || "run") + (event.to && event.to !== event.from && event.from !== "runtime" ? " → " + event.to : "") + ": " + what;
}

function stateTable(event) {
  const changed = new Set(changesOf(event).map(([name]) => name));
  const before = new Map(event.before);
  const after = new Map(event.after);
  const rows = [...new Set([...before.keys(), ...after.keys()])].map((name) =>
    el("tr", { class: changed.has(name) ? "changed" : "same" }, el("th", { scope: "row" }, (changed.has(name) ? "▸ " : "") + name),
      el("td", {}, before.get(name) ?? "?"), el("td", {}, event.isAfterKnown ? after.get(name) ?? "?" : "not over")));
  return el("table", { class: "state" }, el("tr", {}, el("th", {}, "field"), el("th", {}, "before"), el("th", {}, "after")), ...rows);
}

/** How it came to this: each cause and its own cause, back to the beginning. */
function causeChain(model, index) {
  const chain = [];
  for (let at = model.main[index]; at >= 0 && categoryOf(model.events[at]) !== "setup" && chain.length < 100; at = model.main[at]) chain.push(at);
  return chain;
}

/** Fills the side panel with one event. `go` selects another one. */
function showDetails(panel, model, event, isPinned, go) {
  const section = (title, ...content) => el("section", {}, el("h3", {}, title), ...content);
  const parts = [el("h2", {}, titleOf(event), el("small", {}, !model.hasTime || event.time === undefined ? "" : "t = " + formatInstant(event.time)), isPinned ? el("small", { class: "pin" }, "pinned") : "")];
  if (event.finding !== "") parts.push(el("p", { class: "bad" }, "✗ " + event.finding));
  parts.push(el("p", { class: "sentence" }, sentenceOf(model, event)));
  const payload = payloadOf(event.message);
  if (payload.length > 0) parts.push(section(event.name, pairs(payload)));
  if (event.kind === "take" && event.reply !== "") parts.push(section(event.isReply ? "Reply" : "How it ended", el("p", { class: "code" }, event.reply)));
  if (event.before.length + event.after.length > 0) parts.push(section("State of " + event.to, stateTable(event)));
  const rows = [];
  if (event.file !== "") rows.push([event.kind === "take" ? "sent at" : "at", el("span", { class: "code", title: event.file }, baseName(event.file) + (event.line === undefined ? "" : ":" + event.line))]);
  if (event.sentStep !== undefined) {
    const acting = model.actsIn.get(event.sentStep);
    rows.push(["sent", acting === undefined ? "before the first step" : el("a", { href: "#", class: "link", onclick: (click) => { click.preventDefault(); go(acting); } }, (model.lane[acting] === event.from ? "in step " : "after step ") + event.sentStep)]);
  }
  if (model.hasTime && event.sentTime !== undefined && event.time !== undefined) rows.push(["waited in mailbox", formatTime(event.time - event.sentTime)]);
  if (event.rivalsCount > 0) rows.push(["chosen instead of", event.rivals.join(", ") + (event.rivalsCount > event.rivals.length ? " (" + countOf(event.rivalsCount, "operation") + ")" : "")]);
  const waiting = model.lane[event.index] === "" ? [] : mailboxAfter(model, model.lane[event.index], event.index);
  if (waiting.length > 0) rows.push(["left in mailbox", cut(waiting.map((later) => later.name).join(", "), 60)]);
  const past = [...pastOf(model, event.index)].filter((at) => at !== event.index && categoryOf(model.events[at]) !== "setup").length;
  rows.push(["depends on", countOf(past, "event")]);
  for (const [name, value] of event.others) rows.push([name, value]);
  parts.push(section("Circumstances", pairs(rows)));
  const chain = causeChain(model, event.index);
  if (chain.length > 0) {
    parts.push(section("Because of", el("ol", { class: "chain" }, ...chain.slice(0, 12).map((at) =>
      el("li", {}, el("a", { href: "#", class: "link", onclick: (click) => { click.preventDefault(); go(at); } }, titleOf(model.events[at])), " " + cut(sentenceOf(model, model.events[at]), 70)))),
      chain.length > 12 ? el("p", { class: "quiet" }, chain.length - 12 + " more before these") : ""));
  }
  panel.replaceChildren(...parts);
}

// ---- two runs side by side ----

const lineOf = (model, event) => sentenceOf(model, event) + (changesOf(event).length ? "  ·  " + changesOf(event).map(([name, before, after]) => name + " " + before + " → " + after).join(", ") : "");

/** Aligns two lists by what is equal in both (the longest common subsequence); returns pairs of indices, -1 for none. */
function align(left, right) {
  let head = 0;
  while (head < left.length && head < right.length && left[head] === right[head]) ++head;
  let tail = 0;
  while (tail < left.length - head && tail < right.length - head && left[left.length - 1 - tail] === right[right.length - 1 - tail]) ++tail;
  const a = left.slice(head, left.length - tail);
  const b = right.slice(head, right.length - tail);
  const result = [];
  for (let i = 0; i < head; ++i) result.push([i, i]);
  if (a.length * b.length > 4e6) {  // too much to look for: what is left stands side by side
    for (let i = 0; i < Math.max(a.length, b.length); ++i) result.push([i < a.length ? head + i : -1, i < b.length ? head + i : -1]);
  } else {
    const width = b.length + 1;
    const best = new Uint32Array((a.length + 1) * width);
    for (let i = a.length - 1; i >= 0; --i) {
      for (let j = b.length - 1; j >= 0; --j) best[i * width + j] = a[i] === b[j] ? best[(i + 1) * width + j + 1] + 1 : Math.max(best[(i + 1) * width + j], best[i * width + j + 1]);
    }
    let i = 0, j = 0;
    while (i < a.length || j < b.length) {
      if (i < a.length && j < b.length && a[i] === b[j]) result.push([head + i++, head + j++]);
      else if (j >= b.length || (i < a.length && best[(i + 1) * width + j] >= best[i * width + j + 1])) result.push([head + i++, -1]);
      else result.push([-1, head + j++]);
    }
  }
  for (let i = tail; i > 0; --i) result.push([left.length - i, right.length - i]);
  return result;
}

function showComparison(panel, left, right, note) {
  const seen = (model) => model.events.filter((event) => categoryOf(event) !== "setup");
  const [a, b] = [seen(left), seen(right)];
  const rows = align(a.map((event) => lineOf(left, event)), b.map((event) => lineOf(right, event)));
  const first = rows.findIndex(([i, j]) => i < 0 || j < 0 || lineOf(left, a[i]) !== lineOf(right, b[j]));
  const limit = 2000;
  const start = Math.max(0, Math.min(first, rows.length - limit));
  const cell = (model, event, className) => event === undefined ? [el("td", { class: "none" }), el("td", { class: "none" })]
    : [el("td", { class: "step" }, (event.index === model.failing ? "✗ " : "") + (isOneOf(event, "take", "resume", "finish") ? event.step ?? "" : "")), el("td", { class: className + (event.index === model.failing ? " bad" : "") }, lineOf(model, event))];
  const body = rows.slice(start, start + limit).map(([i, j], at) => {
    const isSame = i >= 0 && j >= 0 && lineOf(left, a[i]) === lineOf(right, b[j]);
    const mark = isSame ? "" : i >= 0 && j >= 0 ? "≠" : i >= 0 ? "◀" : "▶";
    return el("tr", { class: (isSame ? "same" : "differs") + (start + at === first ? " first" : "") }, ...cell(left, a[i], "text"), el("td", { class: "mark", title: start + at === first ? "the first difference" : "" }, start + at === first ? "① " + mark : mark), ...cell(right, b[j], "text"));
  });
  panel.replaceChildren(
    el("p", { class: "quiet" }, note, first < 0 ? " Both runs are the same." : " ① marks the first difference; ◀ stands in the left run only, ▶ in the right one only."),
    start > 0 || rows.length > start + limit ? el("p", { class: "quiet" }, countOf(Math.min(limit, rows.length - start), "line") + " of " + rows.length.toLocaleString("en") + " are shown.") : "",
    el("table", { class: "compare" }, el("colgroup", {}, ...["step", "text", "mark", "step", "text"].map((name) => el("col", { class: name }))), el("thead", {}, el("tr", {}, el("th", { colspan: 2 }, left.title), el("th", {}), el("th", { colspan: 2 }, right.title))), el("tbody", {}, ...body)));
  panel.querySelector("tr.first")?.scrollIntoView({ block: "center" });
}

// ---- histories of operations ----

const barsMax = 2000;

/** One object: a lane for each client, a bar from invocation to return, the longest legal order in numbers. */
function historyPicture(history, key, say) {
  let operations = history.operations.map((operation, index) => ({ ...operation, index })).filter((operation) => plain(operation.key) === key);
  const place = new Map((history.prefix ?? []).map(({ op }, i) => [op, i]));
  const all = operations.length;
  if (all > barsMax) {
    const bad = Math.max(0, operations.findIndex((operation) => operation.index === history.first_illegal));
    const start = Math.max(0, Math.min(bad - barsMax / 2, all - barsMax));
    operations = operations.slice(start, start + barsMax);
  }
  const clients = [...new Set(operations.map((operation) => operation.process))].sort((a, b) => a - b);
  const moments = [...new Set(operations.flatMap((operation) => [operation.invoked, operation.returned]).filter((at) => at !== null && at !== undefined))].sort((a, b) => a - b);
  const step = Math.max(26, Math.min(130, 1100 / moments.length));
  const column = new Map(moments.map((at, i) => [at, 110 + i * step]));
  const width = 110 + moments.length * step + 60;
  const picture = svg("svg", { width, height: clients.length * 46 + 30, class: "history", role: "img" });
  clients.forEach((client, row) => {
    picture.append(svg("text", { x: 8, y: 40 + row * 46, class: "label" }, "client " + plain(client)), svg("line", { x1: 100, x2: width, y1: 54 + row * 46, y2: 54 + row * 46, class: "lifeline" }));
  });
  for (const operation of operations) {
    const y = 20 + clients.indexOf(operation.process) * 46;
    const x = column.get(operation.invoked);
    const isOpen = operation.returned === null || operation.returned === undefined;
    const x2 = isOpen ? width - 10 : column.get(operation.returned);
    const at = place.get(operation.index);
    const isBad = operation.index === history.first_illegal;
    const state = at === undefined ? "" : plain(history.prefix[at].state);
    const g = svg("g", { class: "bar" + (isBad ? " illegal" : at === undefined ? " unplaced" : "") + (operation.ending === "ok" ? "" : " unknown"), tabindex: 0 });
    const text = (isBad ? "✗ " : "") + (at === undefined ? "" : at + 1 + ". ") + plain(operation.text);
    g.append(svg("rect", { x, y, width: Math.max(8, x2 - x - 4), height: 26, rx: 4 }), svg("text", { x: x + 6, y: y + 17, class: "label" }, cut(text, Math.max(3, Math.floor((x2 - x - 12) / letter)))));
    const whole = text + (isOpen ? " (never returned)" : "") + (isBad ? "\nfirst illegal operation: no order explains it" : state === "" ? "" : "\nthen the model is " + state);
    g.append(svg("title", {}, whole));
    for (const kind of ["mouseenter", "focus", "click"]) g.addEventListener(kind, () => say(whole));
    picture.append(g);
  }
  const parts = [el("h3", {}, (key === "" ? "all operations" : "key " + key) + ": " + (key === plain(history.violated_key) ? "not linearizable" : "ok"))];
  if (operations.length < all) parts.push(el("p", { class: "quiet" }, barsMax + " of " + countOf(all, "operation") + " are drawn, those around the first illegal one."));
  parts.push(el("div", { class: "scroll" }, picture));
  return el("section", {}, ...parts);
}

function showHistories(panel, histories) {
  const said = el("pre", { class: "said", "aria-live": "polite" }, "Hover an operation: it tells the state of the model after it.");
  const parts = [el("p", { class: "quiet" }, "A bar is an operation, from its invocation to its return. Numbers are the longest order that is legal; ✗ is the first operation that no order explains; dashed is what nobody knows the end of."), said];
  for (const history of histories) {
    const keys = [...new Set(history.operations.map((operation) => plain(operation.key)))];
    const bad = plain(history.violated_key);
    keys.sort((a, b) => (b === bad) - (a === bad));
    parts.push(el("h2", {}, plain(history.name)));
    for (const key of keys) parts.push(historyPicture(history, key, (text) => { said.textContent = text; }));
  }
  panel.replaceChildren(...parts);
}
