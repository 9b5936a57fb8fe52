// viewer.js: what the reader wants to see, and how that changes with keys and clicks.
"use strict";

const documentVersion = 1;
const manyEvents = 60;  // with more of them, only what led to the failure stands out at first
const sections = { sequence: "Sequence", compare: "Compare", histories: "Linearizability", about: "About" };

// What the legend says, and a stroke that shows how it looks.
const legend = [
  ["message", "message", "arrow", "message"], ["reply", "reply", "arrow", "reply"], ["timer", "timer", "arrow", "timer"], ["waiting", "waits for a reply", "hatch"],
  ["resume", "goes on", "text", "↳"], ["state", "state changes", "text", "a → b"], ["lost", "not delivered", "arrow", "lost"], ["fault", "faults", "text", "✕"],
  ["life", "ends, restarts", "text", "↻"], ["signal", "stop, kill", "arrow", "signal"], ["work", "offloaded work", "text", "⚙"], ["spawn", "begins", "arrow", "spawn"],
  ["setup", "begins before the run", "arrow", "spawn"], ["note", "notes", "text", "•"],
];

const $ = (id) => document.getElementById(id);
let report, models, model, picture, layout;
let pinned = false;
const view = { mode: "time", hidden: new Set(["setup"]), collapsed: new Set(), actor: "", message: "", text: "", wantsAll: false, room: 1000 };
let selected = -1;

// ---- what is wrong with the document is said, not guessed ----

function readReport() {
  const read = JSON.parse($("data").textContent);
  if (read.format !== "orrery-report") throw new Error("the data of this page are no report");
  if (!(read.version <= documentVersion)) throw new Error("version " + plain(read.version) + " of a report; this page reads up to " + documentVersion);
  read.runs = Array.isArray(read.runs) && read.runs.length > 0 ? read.runs : [{ title: "no run", events: [] }];
  return read;
}

/** Models are made when they are looked at first: an original run may be much longer than the smallest one. */
function modelOf(index) {
  models[index] ??= makeModel(report.runs[index]);
  return models[index];
}

// ---- header ----

async function copy(text, button) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {  // not every browser lets a file do that
    const area = el("textarea", {});
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  const before = button.textContent;
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = before; }, 1200);
}

function showHeader() {
  const verdict = report.verdict ?? {};
  document.title = plain(report.title) || "Orrery";
  $("header").classList.toggle("failed", Boolean(verdict.headline));
  $("badge").textContent = verdict.headline ? "✗ " + plain(verdict.headline) : "run";
  $("name").textContent = verdict.name ? plain(verdict.name) : plain(report.title) || "a run";
  $("detail").textContent = String(verdict.detail ?? "");
  for (const fact of report.facts ?? []) {
    const value = el("dd", {}, plain(fact.value));
    const row = el("div", {}, el("dt", {}, plain(fact.name)), value);
    if (fact.copy) row.append(el("button", { class: "copy", onclick: (click) => copy(plain(fact.value), click.target) }, "Copy"));
    $("facts").append(row);
  }
  if (report.command) {
    $("reproduce").hidden = false;
    $("command").textContent = plain(report.command);
    $("copy-command").addEventListener("click", (click) => copy(plain(report.command), click.target));
  }
  const stages = report.stages ?? [];
  if (stages.length > 1) {
    $("history-slider").hidden = false;
    $("stage").max = stages.length - 1;
    $("stage").value = stages.length - 1;
    $("stage").addEventListener("input", () => showStage(Number($("stage").value)));
  }
}

function showStage(index) {
  const stage = report.stages[index];
  $("stage-text").textContent = (index + 1) + " of " + report.stages.length + ": " + plain(stage.title);
  $("stage").setAttribute("aria-valuetext", $("stage-text").textContent);
  showRun(stage.run);
}

function showAbout() {
  const about = $("about");
  const table = (title, head, rows) => rows.length === 0 ? "" : el("section", {}, el("h3", {}, title), el("table", {}, el("tr", {}, ...head.map((name) => el("th", { scope: "col" }, name))), ...rows.map((row) => el("tr", {}, ...row.map((value) => el("td", {}, plain(value)))))));
  about.append(
    table("Always and sometimes, in this run", ["", "property", ""], (report.properties ?? []).map((one) => [one.kind, one.name, one.said])),
    table("Faults", ["fault", "planned", "happened", "had an effect"], (report.faults ?? []).map((one) => [one.name, one.planned, one.happened, one.effects])),
    table("What matters", ["change", "then"], (report.flips ?? []).map((one) => [one.text, one.said])));
  for (const text of report.texts ?? []) about.append(el("section", {}, el("h3", {}, plain(text.title)), el("pre", {}, String(text.text ?? ""))));
  const counts = report.runs.map((run) => [run.title, (run.events ?? []).length, run.input ?? ""]);
  about.append(table("Runs in this file", ["run", "events", "input"], counts));
}

// ---- the picture ----

function fillSelect(select, title, values, chosen) {
  select.replaceChildren(el("option", { value: "" }, title), ...values.map((value) => el("option", { value }, cut(value, 40))));
  select.value = values.includes(chosen) ? chosen : "";
  return select.value;
}

function showRun(index) {
  model = modelOf(index);
  $("mode").hidden = !model.hasTime;
  const names = [...new Set(model.events.filter((event) => event.kind === "take").map((event) => event.name))].sort();
  view.actor = fillSelect($("actor"), "all actors", model.lanes.map((lane) => lane.name), view.actor);
  view.message = fillSelect($("message"), "all messages", names, view.message);
  const isLong = model.events.length > manyEvents && model.failing >= 0;
  pinned = isLong;
  $("causal").checked = isLong;
  relayout(model.failing);
  const last = layout.rows.at(-1);
  select(layout.y.has(model.failing) ? model.failing : last ? last.index : -1, true);
}

function relayout(keep = selected) {
  view.room = $("scroller").clientWidth || 1000;
  layout = makeLayout(model, view);
  showLanes();
  showLegend();
  showNotice();
  picture.show(layout);
  select(layout.y.has(keep) ? keep : -1, true);
}

function showLanes() {
  const ruler = el("span", { class: "ruler" }, model.hasTime ? "step · time" : "step");
  const heads = layout.lanes.map((lane) => {
    const style = "left:" + lane.x + "px;max-width:" + (layout.laneWidth - 8) + "px";
    if (lane.children === 0) return el("span", { style, title: lane.name }, lane.depth > 0 ? "…/" + baseName(lane.name) : lane.name);
    const isFolded = view.collapsed.has(lane.name);
    return el("button", { style, title: lane.name + ": fold or unfold those it supervises", "aria-expanded": String(!isFolded), onclick: () => fold(lane.name) }, (isFolded ? "▸ " : "▾ ") + baseName(lane.name) + (isFolded ? " +" + lane.folded : ""));
  });
  $("lanes").style.width = layout.width + "px";
  $("lanes").replaceChildren(ruler, ...heads);
}

function fold(name) {
  if (!view.collapsed.delete(name)) view.collapsed.add(name);
  relayout();
}

function sample(kind, style) {
  const node = svg("svg", { width: 34, height: 14, "aria-hidden": "true" });
  if (kind === "arrow") node.append(svg("line", { x1: 1, x2: 24, y1: 7, y2: 7, class: "line " + style }), arrowHead(32, 7, 1, 7, style));
  else if (kind === "hatch") node.append(svg("rect", { x: 1, y: 2, width: 32, height: 10, class: "wait", fill: "url(#hatch)" }));
  else node.append(svg("text", { x: 17, y: 12, "text-anchor": "middle" }, style));
  return node;
}

function showLegend() {
  const counts = new Map([["reply", model.replies.length], ["waiting", 1], ["state", 1]]);
  for (const event of model.events) counts.set(categoryOf(event), (counts.get(categoryOf(event)) ?? 0) + 1);
  $("legend").replaceChildren(...legend.filter(([name]) => counts.has(name) && counts.get(name) > 0).map(([name, text, kind, style]) =>
    el("button", { "aria-pressed": String(!view.hidden.has(name)), "data-category": name, onclick: () => {
      if (!view.hidden.delete(name)) view.hidden.add(name);
      relayout();
      $("legend").querySelector('[data-category="' + name + '"]')?.focus();
    } }, sample(kind, style), text)));
}

function showNotice() {
  const drawn = layout.end - layout.first;
  const all = model.events.length;
  const parts = [];
  if (drawn < all) parts.push("Only " + countOf(drawn, "event") + " of " + all.toLocaleString("en") + " are drawn, those around " + (model.failing < 0 ? "the end" : "the failure") + ". ", el("button", { id: "load-all", onclick: () => { view.wantsAll = true; relayout(); } }, "Load all"));
  const isFiltered = view.actor !== "" || view.message !== "" || view.text !== "";
  if (isFiltered) parts.push(" " + layout.rows.length.toLocaleString("en") + " of " + countOf(drawn, "event") + " match. ", el("button", { id: "show-all", onclick: clearFilters }, "Show all"));
  $("notice").hidden = parts.length === 0;
  $("notice").replaceChildren(...parts);
}

function clearFilters() {
  view.actor = view.message = view.text = "";
  $("actor").value = $("message").value = $("search").value = "";
  relayout();
}

/** Selects an event; while one is pinned, what it does not depend on is grey. */
function select(index, isQuiet = false) {
  if (index === undefined) return;
  selected = index;
  const event = model.events[index];
  const past = pinned && event ? pastOf(model, index) : undefined;
  picture.select(index, past ? (other) => !past.has(other) : () => false);
  if (!event) {
    $("panel").replaceChildren(el("p", { class: "quiet" }, model.events.length === 0 ? "There are no events." : "Click an event, or press j."));
    return;
  }
  showDetails($("panel"), model, event, pinned, (other) => { if (layout.y.has(other)) { select(other); } else { clearFilters(); select(other); } });
  picture.reveal(index);
  if (!isQuiet && event.step !== undefined) history.replaceState(null, "", "#step=" + event.step);
}

function pin(index) {
  pinned = true;
  $("causal").checked = true;
  select(index);
}

function unpin() {
  pinned = false;
  $("causal").checked = false;
  select(selected, true);
}

function go(by) {
  if (layout.rows.length === 0) return;
  const at = layout.row.get(selected);
  const next = at === undefined ? (by > 0 ? 0 : layout.rows.length - 1) : Math.min(layout.rows.length - 1, Math.max(0, at + by));
  select(layout.rows[next].index);
}

function setMode(mode) {
  view.mode = mode;
  $("mode").textContent = mode === "time" ? "Time" : "Steps";
  relayout();
}

// ---- tabs ----

function showTab(name) {
  for (const section of Object.keys(sections)) {
    $(section).hidden = section !== name;
    $("tab-" + section).setAttribute("aria-selected", String(section === name));
    $("tab-" + section).tabIndex = section === name ? 0 : -1;
  }
  $("tools").style.visibility = name === "sequence" ? "visible" : "hidden";
  if (name === "compare") compareRuns();
  if (name === "sequence") picture.update();
}

function compareRuns() {
  const [left, right] = [Number($("compare-left").value), Number($("compare-right").value)];
  const note = report.compare && left === report.compare.left && right === report.compare.right ? plain(report.compare.note) : "";
  showComparison($("comparison"), modelOf(left), modelOf(right), note);
}

function prepareTabs() {
  if (report.runs.length > 1) {
    $("tab-compare").hidden = false;
    for (const [id, chosen] of [["compare-left", report.compare?.left ?? report.runs.length - 1], ["compare-right", report.compare?.right ?? 0]]) {
      $(id).replaceChildren(...report.runs.map((run, i) => el("option", { value: i }, plain(run.title) || "run " + (i + 1))));
      $(id).value = chosen;
      $(id).addEventListener("change", compareRuns);
    }
  }
  if ((report.histories ?? []).length > 0) {
    $("tab-histories").hidden = false;
    showHistories($("histories"), report.histories);
  }
  const tabs = [...document.querySelectorAll("[role=tab]")];
  for (const tab of tabs) {
    tab.addEventListener("click", () => showTab(tab.id.slice(4)));
    tab.addEventListener("keydown", (press) => {
      if (press.key !== "ArrowRight" && press.key !== "ArrowLeft") return;
      const open = tabs.filter((other) => !other.hidden);
      const next = open[(open.indexOf(tab) + (press.key === "ArrowRight" ? 1 : open.length - 1)) % open.length];
      showTab(next.id.slice(4));
      next.focus();
    });
  }
}

// ---- keys and pointer ----

const keys = {
  j: () => go(1), k: () => go(-1), ArrowDown: () => go(1), ArrowUp: () => go(-1),
  f: () => select(model.failing >= 0 ? model.failing : layout.rows.at(-1)?.index),
  t: () => setMode(view.mode === "time" ? "steps" : "time"),
  Enter: () => { if (selected >= 0) pin(selected); },
  "/": () => { showTab("sequence"); $("search").focus(); },
  "?": () => $("help").showModal(),
  Escape: () => {
    if (view.text !== "" || view.actor !== "" || view.message !== "") clearFilters();
    else if (pinned) unpin();
  },
};

function onKey(press) {
  if (press.ctrlKey || press.metaKey || press.altKey || $("help").open) return;
  const place = press.target;
  const isTyping = place.matches?.("input[type=search], textarea");
  if (isTyping && press.key !== "Escape" && press.key !== "Enter") return;
  if (isTyping) {
    place.blur();
    $("scroller").focus();
    if (press.key === "Enter") return go(layout.row.has(selected) ? 0 : 1);
  } else if (place.matches?.("select, input[type=range]") && press.key !== "Escape") return;
  else if (place.matches?.("button, a, [role=tab]") && press.key === "Enter") return;
  const action = keys[press.key];
  if (!action || ((press.key.startsWith("Arrow") || "jkft".includes(press.key)) && $("sequence").hidden)) return;
  press.preventDefault();
  action();
}

const eventAt = (target) => {
  const mark = target.closest?.("[data-event]");
  return mark ? Number(mark.getAttribute("data-event")) : undefined;
};

function showTip(move) {
  const index = eventAt(move.target);
  const tip = $("tip");
  tip.hidden = index === undefined;
  if (index === undefined) return;
  const event = model.events[index];
  if (tip.dataset.event !== String(index)) {
    tip.dataset.event = index;
    const lines = [titleOf(event) + (!model.hasTime || event.time === undefined ? "" : "  t = " + formatInstant(event.time)), sentenceOf(model, event)];
    for (const [name, before, after] of changesOf(event)) lines.push(name + ": " + before + " → " + after);
    if (event.file) lines.push(baseName(event.file) + (event.line === undefined ? "" : ":" + event.line));
    if (event.rivalsCount > 0) lines.push("chosen instead of " + event.rivals.join(", "));
    tip.textContent = lines.join("\n");
  }
  tip.style.left = Math.min(move.clientX + 16, innerWidth - tip.offsetWidth - 8) + "px";
  tip.style.top = Math.min(move.clientY + 18, innerHeight - tip.offsetHeight - 8) + "px";
}

function connect() {
  document.addEventListener("keydown", onKey);
  $("canvas").addEventListener("click", (click) => { const index = eventAt(click.target); if (index !== undefined) pin(index); });
  $("canvas").addEventListener("mousemove", showTip);
  $("canvas").addEventListener("mouseleave", () => { $("tip").hidden = true; });
  $("actor").addEventListener("change", () => { view.actor = $("actor").value; relayout(); });
  $("message").addEventListener("change", () => { view.message = $("message").value; relayout(); });
  $("search").addEventListener("input", () => { view.text = $("search").value.toLowerCase(); relayout(); });
  $("mode").addEventListener("click", () => setMode(view.mode === "time" ? "steps" : "time"));
  $("causal").addEventListener("change", () => ($("causal").checked ? pin(selected) : unpin()));
  $("help-button").addEventListener("click", () => $("help").showModal());
  $("export").addEventListener("change", () => {
    const exporter = exporters[$("export").value];
    $("export").value = "";
    if (exporter) download(exporter[0], exporter[1], exporter[2](layout));
  });
}

function start() {
  try {
    report = readReport();
  } catch (error) {
    $("badge").textContent = "unreadable";
    $("name").textContent = String(error.message);
    return;
  }
  models = [];
  picture = new Picture($("scroller"), $("canvas"), $("lanes"));
  showHeader();
  showAbout();
  prepareTabs();
  connect();
  if ((report.stages ?? []).length > 1) showStage(report.stages.length - 1);
  else showRun(report.shown ?? 0);
  const wanted = /^#step=(\d+)$/.exec(location.hash);
  if (wanted && model.actsIn.has(Number(wanted[1]))) select(model.actsIn.get(Number(wanted[1])), true);
  $("scroller").focus({ preventScroll: true });
}
start();
