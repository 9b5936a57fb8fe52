// exports.js: what is shown, for other programs: SVG, Mermaid, Perfetto, ShiViz. docs/report.md says what reads them.
"use strict";

function download(name, type, text) {
  const link = el("a", { href: URL.createObjectURL(new Blob([text], { type })), download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

/** The whole picture as a file of its own, with the colours of the page. */
function exportSvg(layout) {
  const colours = getComputedStyle(document.documentElement);
  const root = svg("svg", { xmlns: svgSpace, width: layout.width, height: layout.height + 40, viewBox: "0 -40 " + layout.width + " " + (layout.height + 40), "font-family": "system-ui, sans-serif", "font-size": 12 });
  const css = document.getElementById("picture-style").textContent.replace(/var\((--[a-z-]+)\)/g, (_, name) => colours.getPropertyValue(name).trim());
  root.append(svg("style", {}, css), definitions(), svg("rect", { x: 0, y: -40, width: layout.width, height: layout.height + 40, fill: colours.getPropertyValue("--page").trim() }));
  for (const lane of layout.lanes) root.append(svg("text", { x: lane.x, y: -14, "text-anchor": "middle", class: "label lanename" }, cut(lane.name, Math.floor(layout.laneWidth / letter))));
  for (const kind of order) for (const mark of layout.marks) if (mark.kind === kind) root.append(nodeOf(mark, layout));
  if (layout.end - layout.first < layout.model.events.length) root.append(svg("text", { x: gutter, y: -28, class: "label quiet" }, countOf(layout.model.events.length - (layout.end - layout.first), "event") + " left out"));
  return new XMLSerializer().serializeToString(root) + "\n";
}

// What Mermaid or HTML might take for something becomes an entity, and so does the word "end", which would end a block.
const mermaidText = (text) => cut(text, 80).replace(/[^A-Za-z0-9 _{}=,.()[\]/+*!?'|\u0080-\uffff-]|\b[eE](?=[nN][dD]\b)/g, (c) => "#" + c.codePointAt(0) + ";") || "#32;";

function exportMermaid(layout) {
  const { model, rows } = layout;
  const names = layout.lanes.map((lane) => lane.name);
  const p = (name) => "p" + layout.place.get(name);
  const arriving = new Map();
  for (const reply of model.replies) if (!reply.isLate) push(arriving, reply.arrives, reply);
  const lines = ["sequenceDiagram", ...names.map((name, i) => "  participant p" + i + " as " + mermaidText(name))];
  if (layout.first > 0 && names.length > 0) lines.push("  Note over p0: " + layout.first + " earlier events are left out");
  for (const event of rows) {
    const who = model.lane[event.index];
    if (!layout.place.has(who) || categoryOf(event) === "setup") continue;
    const isFailing = event.index === model.failing;
    if (isFailing) lines.push("  rect rgb(255, 214, 214)");
    const replies = () => {
      for (const reply of arriving.get(event.index) ?? []) {
        const take = model.events[reply.take];
        if (layout.place.has(take.from)) lines.push("  " + p(take.to) + "-->>" + p(take.from) + ": " + mermaidText(take.reply));
      }
    };
    if (event.kind === "resume") replies();
    else if (event.kind === "take" && layout.place.has(event.from)) lines.push("  " + p(event.from) + "->>" + p(event.to) + ": " + (event.step ?? "") + " " + mermaidText(whatHappens(model, event)));
    else if (categoryOf(event) === "lost" && layout.place.has(event.to)) lines.push("  " + p(event.from) + "-x" + p(event.to) + ": " + mermaidText(whatHappens(model, event)));
    else if ((event.kind === "signal" || event.kind === "spawn") && layout.place.has(event.to) && layout.place.has(event.from)) lines.push("  " + p(event.from) + "-)" + p(event.to) + ": " + mermaidText(whatHappens(model, event)));
    else lines.push("  Note over " + p(who) + ": " + mermaidText(whatHappens(model, event)));
    if (event.kind !== "resume") replies();
    if (isFailing) lines.push("  Note over " + p(who) + ": X step " + (event.step ?? "") + "#58; " + mermaidText(event.finding), "  end");
  }
  return lines.join("\n") + "\n";
}

/** A thread for each actor, a slice for each event, flows for messages; a microsecond for what happens at one instant. */
function exportPerfetto(layout) {
  const { model } = layout;
  const tracks = model.lanes.map((lane) => lane.name);
  const track = new Map(tracks.map((name, i) => [name, i + 1]));
  const events = tracks.map((name) => ({ ph: "M", pid: 1, tid: track.get(name), name: "thread_name", args: { name } }));
  const when = [];
  let last = -1;
  for (const event of model.events.slice(layout.first, layout.end)) {
    last = Math.max(last + 1, Math.floor((event.time ?? 0) / 1000));
    when[event.index] = last;
  }
  for (const handler of model.handlers) {
    const parts = handler.parts.filter((part) => when[part] !== undefined);
    if (parts.length === 0) continue;
    const take = model.events[handler.parts[0]];
    const start = when[parts[0]];
    events.push({ ph: "X", pid: 1, tid: track.get(handler.who), ts: start, dur: Math.max(1, when[parts[parts.length - 1]] - start + 1), name: take.message || take.kind, args: { step: take.step, t_ns: take.time, reply: take.reply, finding: take.finding } });
    const sender = model.main[take.index];
    if (sender >= 0 && when[sender] !== undefined && track.has(model.lane[sender])) {
      events.push({ ph: "s", pid: 1, tid: track.get(model.lane[sender]), ts: when[sender], id: take.index, name: "message", cat: "message" });
      events.push({ ph: "f", bp: "e", pid: 1, tid: track.get(handler.who), ts: start, id: take.index, name: "message", cat: "message" });
    }
  }
  for (const event of model.events.slice(layout.first, layout.end)) {
    if (isOneOf(event, "take", "resume") || !track.has(model.lane[event.index])) continue;
    events.push({ ph: "i", s: "t", pid: 1, tid: track.get(model.lane[event.index]), ts: when[event.index], name: whatHappens(model, event) });
  }
  return JSON.stringify({ displayTimeUnit: "ns", traceEvents: events }) + "\n";
}

/** Two lines for each event: host and vector clock, then what happened. */
function exportShiViz(layout) {
  const { model } = layout;
  const host = (name) => [...new TextEncoder().encode(name)].map((byte) => (/[A-Za-z0-9_/#.:@+=-]/.test(String.fromCharCode(byte)) ? String.fromCharCode(byte) : "%" + byte.toString(16).toUpperCase().padStart(2, "0"))).join("") || "%";
  const now = new Map();   // by actor, its clock
  const at = [];           // by event, the clock after it
  const lines = [];
  if (layout.first > 0) lines.push("orrery {\"orrery\":1}", layout.first + " earlier events are left out");
  for (const event of model.events.slice(layout.first, layout.end)) {
    const who = model.lane[event.index] || "run";
    const clock = new Map(now.get(who));
    for (const cause of model.causes[event.index]) for (const [name, count] of at[cause] ?? []) clock.set(name, Math.max(count, clock.get(name) ?? 0));
    clock.set(host(who), (clock.get(host(who)) ?? 0) + 1);
    now.set(who, clock);
    at[event.index] = clock;
    lines.push(host(who) + " " + JSON.stringify(Object.fromEntries(clock)), (event.finding ? "X " + event.finding + ": " : "") + (event.step ?? "") + " " + sentenceOf(model, event));
  }
  return lines.join("\n") + "\n";
}

const exporters = {
  svg: ["run.svg", "image/svg+xml", exportSvg],
  mermaid: ["run.mmd", "text/plain", exportMermaid],
  perfetto: ["perfetto.json", "application/json", exportPerfetto],
  shiviz: ["run.shiviz", "text/plain", exportShiViz],
};
