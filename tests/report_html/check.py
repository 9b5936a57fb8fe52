#!/usr/bin/env python3
"""check.py CHROMIUM FOLDER [NAME...]: uses the pages of pages.hpp as a reader does, and prints a line for each check:
its name, a tab, and "ok" or what is wrong. check.py --list prints the names."""
import json
import sys
import time

sys.path.insert(0, __file__.rsplit("/", 1)[0])
from browser import Browser  # noqa: E402

checks = {}
figures = []


def check(page, **options):
    def add(function):
        checks[function.__name__] = (page, options, function)
        return function
    return add


def same(found, wanted, what=""):
    if found != wanted:
        raise AssertionError("%s is %s, not %s" % (what or "it", json.dumps(found), json.dumps(wanted)))


def holds(condition, what):
    if not condition:
        raise AssertionError(what)


def text(page, selector):
    return page.run("document.querySelector(%s).textContent" % json.dumps(selector))


def visible(page, selector):
    return page.run("(() => { const e = document.querySelector(%s); return Boolean(e && e.getClientRects().length); })()" % json.dumps(selector))


def steps(page):
    """Returns: what stands in the column of steps."""
    return page.run("[...document.querySelectorAll('#canvas .step')].map(e => [e.getBoundingClientRect().y, e.textContent]).sort((a, b) => a[0] - b[0]).map(e => e[1])")


def labels(page, selector="#canvas .label"):
    return page.run("[...document.querySelectorAll(%s)].map(e => e.textContent)" % json.dumps(selector))


def title(page):
    return page.run("document.querySelector('#panel h2').firstChild.textContent")


def choose(page, selector, value):
    page.run("(() => { const e = document.querySelector(%s); e.value = %s; e.dispatchEvent(new Event(e.matches('select') ? 'change' : 'input')); })()"
             % (json.dumps(selector), json.dumps(value)))


def click_row(page, index):
    """Clicks into the row of an event, where nothing else is drawn."""
    box = page.run("(() => { const r = document.querySelector('.layer-row [data-event=\"%d\"] .hit').getBoundingClientRect(); return [r.x + 70, r.y + 10]; })()" % index)
    page.click(*box)


def dim(page):
    """Returns: the events whose rows are grey."""
    return page.run("[...document.querySelectorAll('.layer-row .mark.dim')].map(e => Number(e.getAttribute('data-event'))).sort((a, b) => a - b)")


# ---- what went wrong ----

@check("bank")
def header_says_what_went_wrong_and_how_to_make_it_again(page):
    same(text(page, "#badge"), "✗ INVARIANT VIOLATED")
    same(text(page, "#name"), "balance never negative")
    same(text(page, "#command"), "ORRERY_REPLAY=b7k2-9f3c ./build/dev/bank_test --gtest_filter=Bank.MoneyIsConserved")
    facts = page.run("Object.fromEntries([...document.querySelectorAll('#facts div')].map(e => [e.querySelector('dt').textContent, e.querySelector('dd').textContent]))")
    same(facts["token"], "b7k2-9f3c")
    for name in ("test", "strategy", "faults", "compiler", "build", "seed"):
        holds(facts.get(name), "no fact " + name)


@check("bank")
def token_and_command_are_copied(page):
    page.run("window.copied = []; Object.defineProperty(navigator, 'clipboard', {value: {writeText: async (text) => { copied.push(text); }}})")
    page.run("window.setTimeout = () => 0")  # the button keeps saying so
    page.click_on("#facts .copy")
    page.click_on("#copy-command")
    same(page.run("copied[0]"), "b7k2-9f3c")
    holds(page.run("copied[1]").startswith("ORRERY_REPLAY=b7k2-9f3c "), "the command is not copied")
    same(text(page, "#copy-command"), "Copied")


@check("bank")
def failure_is_marked_and_selected(page):
    numbers = steps(page)
    same(sum(number.startswith("✗ ") for number in numbers), 1, "count of marked steps")
    same(numbers[-1][:2], "✗ ", "mark of the last step")
    same(text(page, "#canvas .findingtext"), "✗ balance never negative")
    same(title(page), "Step " + numbers[-1][2:])
    same(page.run("document.querySelectorAll('#canvas .box.failing').length"), 1, "count of red boxes")
    holds("balance" in text(page, "#panel table.state tr.changed"), "the panel does not show what changed")


@check("bank")
def every_step_has_a_row_and_every_message_an_arrow(page):
    takes = page.run("model.events.filter(e => ['take', 'resume', 'finish'].includes(e.kind)).length")
    same(len(steps(page)), takes, "count of steps")
    same(page.run("document.querySelectorAll('#canvas .layer-arrow polyline').length"), page.run("model.events.filter(e => e.kind === 'take' && e.from !== e.to).length"), "count of arrows")
    same(page.run("document.querySelectorAll('#canvas .layer-reply polyline').length"), page.run("model.events.filter(e => e.kind === 'take' && e.reply !== '').length"), "count of replies")
    holds(page.run("getComputedStyle(document.querySelector('#canvas .line.reply')).strokeDasharray") != "none", "replies are not dashed")
    same(page.run("getComputedStyle(document.querySelector('#canvas .line.message')).strokeDasharray"), "none", "dashes of a message")
    holds(page.run("document.querySelectorAll('#canvas .wait').length") >= 2, "nobody waits")


@check("bank")
def what_was_sent_earlier_comes_from_above(page):
    slopes = page.run("layout.marks.filter(m => m.kind === 'arrow').map(m => [m.y, m.y2])")
    holds(all(start <= end for start, end in slopes), "an arrow goes up")
    holds(any(start < end for start, end in slopes), "no arrow shows that a message was under way")


@check("body")
def what_no_step_is_guilty_of_stands_below_the_last(page):
    same(page.run("model.failing"), -1, "the failing step")
    holds(text(page, "#canvas .findingtext").startswith("✗ at the end of the run: pages.hpp:"), text(page, "#canvas .findingtext"))
    page.press("k")
    page.press("f")
    same(page.run("selected"), page.run("layout.rows.at(-1).index"), "selected by f")


# ---- keys and clicks ----

@check("faults")
def j_and_k_go_through_all_events_and_stop_at_the_ends(page):
    count = page.run("layout.rows.length")
    for _ in range(count + 2):
        page.press("k")
    same(page.run("selected"), page.run("layout.rows[0].index"), "the first")
    seen = [page.run("selected")]
    for _ in range(count + 2):
        page.press("j")
        seen.append(page.run("selected"))
    same(seen[:count], page.run("layout.rows.map(e => e.index)"), "the way down")
    same(seen[-1], page.run("layout.rows.at(-1).index"), "the last")
    page.press("ArrowUp")
    same(page.run("selected"), seen[count - 2], "one up")
    same(page.run("document.querySelectorAll('.layer-row .mark.selected').length"), 1, "count of selected rows")


@check("faults")
def f_goes_to_the_failure(page):
    page.press("k")
    page.press("k")
    holds(title(page) != "Step 8", "k does nothing")
    page.press("f")
    same(title(page), "Step 8")


# By hand, from the lines of `faults` in pages.hpp: what step 6 (event 9: client#1 goes on) depends on.
@check("faults")
def click_pins_and_greys_out_what_does_not_matter(page):
    same(dim(page), [], "grey at first")
    click_row(page, 9)
    same(title(page), "Step 6")
    same(dim(page), [4, 8, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19], "grey")
    holds(page.run("document.querySelector('#causal').checked"), "the box is not checked")
    page.press("Escape")
    same(dim(page), [], "grey after Escape")
    page.press("Enter")
    same(len(dim(page)), 12, "count of grey rows after Enter")


@check("faults")
def links_in_the_panel_lead_to_causes(page):
    page.press("f")
    chain = labels(page, "#panel .chain a")
    same(chain[-1], "Step 2", "the beginning of the chain")
    page.click_on("#panel .chain li:last-child a")
    same(title(page), "Step 2")


@check("faults")
def keys_do_nothing_while_one_types(page):
    page.press("/")
    same(page.run("document.activeElement.id"), "search", "the focus")
    before = page.run("selected")
    for key in "jkf":
        page.press(key)
    same(page.run("document.querySelector('#search').value"), "jkf")
    same(page.run("layout.rows.length"), 1, "rows that match nothing, and the failure")
    page.press("Escape")
    same(page.run("[selected, layout.rows.length]"), [before, page.run("model.events.length") - 3], "after Escape")


@check("faults")
def help_opens_and_closes(page):
    page.press("?")
    holds(visible(page, "#help kbd"), "no help")
    before = page.run("selected")
    page.press("k")
    same(page.run("selected"), before, "selected while the help is open")
    page.press("Escape")
    holds(not visible(page, "#help kbd"), "the help stays")


@check("faults")
def hover_tells_the_fields(page):
    box = page.run("(() => { const r = document.querySelector('.layer-row [data-event=\"5\"] .hit').getBoundingClientRect(); return [r.x + 70, r.y + 10]; })()")
    page.move(*box)
    tip = text(page, "#tip")
    for word in ("Step 3", "t = 30 us", "client#1 → shop/till: Pay{order=1, cents=500} = ok", "paid: {} → {1: 500}", "shop.hpp:12"):
        holds(word in tip, "%r is not in %r" % (word, tip))
    holds("name:" not in tip, "what did not change is told")


# ---- what is shown ----

@check("faults")
def panel_tells_the_circumstances(page):
    click_row(page, 5)
    words = page.run("document.querySelector('#panel').innerText")
    for word in ("cents", "500", "shop.hpp:12", "in step 1", "20 us", "ok"):
        holds(word in words, "%r is not in the panel" % word)
    click_row(page, 4)
    words = page.run("document.querySelector('#panel').innerText")
    holds("shop/till (3 operations)" in words, "who could have gone first is not told")
    same(page.run("[...document.querySelectorAll('#panel table.state td')].map(e => e.textContent)"), ["0", "not over"], "state of an open handler")


@check("faults")
def actors_stand_below_their_supervisor_and_can_be_folded(page):
    same(page.run("layout.lanes.map(l => l.name)"), ["test", "shop", "shop/till", "shop/cards", "client#1", "client#2"], "lanes")
    page.click_on("#lanes button")
    same(page.run("layout.lanes.map(l => l.name)"), ["test", "shop", "client#1", "client#2"], "folded")
    same(text(page, "#lanes button"), "▸ shop +2")
    arrows = page.run("layout.marks.filter(m => m.kind === 'arrow').map(m => m.x2)")
    holds(arrows and all(x is not None for x in arrows), "an arrow leads nowhere")
    page.click_on("#lanes button")
    same(page.run("layout.lanes.length"), 6, "unfolded")


@check("faults")
def faults_have_their_signs(page):
    same(sorted(labels(page, "#canvas .glyph")), ["↻", "✕", "✕"], "signs on lanes")
    same(page.run("document.querySelectorAll('#canvas .fullbox').length"), 1, "full mailboxes")
    same(page.run("document.querySelectorAll('#canvas .band').length"), 1, "stalls")
    same(page.run("document.querySelectorAll('#canvas .line.lost.solid').length"), 3, "crosses of what was not delivered")
    same(page.run("document.querySelectorAll('#canvas .lifeline.dead').length"), 1, "dead stretches")
    dashes = page.run("getComputedStyle(document.querySelector('#canvas .line.timer')).strokeDasharray")
    holds(dashes not in ("none", page.run("getComputedStyle(document.querySelector('#canvas .line.reply')).strokeDasharray")), "timers are not dotted")
    holds(any("incarnation 2" in label for label in labels(page)), "no incarnation")


@check("faults")
def idle_time_is_compressed_and_said(page):
    same(labels(page, "#canvas .gap"), ["⋮ 9.99994 s pass"], "breaks")
    rows = page.run("layout.rows.map(e => layout.y.get(e.index))")
    holds(max(b - a for a, b in zip(rows, rows[1:])) < 120, "a gap of seconds is as high as that")
    page.press("t")
    same(labels(page, "#canvas .gap"), [], "breaks between steps")
    rows = page.run("layout.rows.map(e => layout.y.get(e.index))")
    same(sorted(set(b - a for a, b in zip(rows, rows[1:]))), [30], "distances")
    same(text(page, "#mode"), "Steps")


@check("faults")
def legend_shows_and_hides(page):
    for category, selector in (("reply", "#canvas .layer-reply > g"), ("message", "#canvas .layer-arrow .line.message"), ("timer", "#canvas .layer-timer > g"), ("waiting", "#canvas .wait"), ("state", "#canvas .statechange")):
        holds(page.run("document.querySelectorAll('%s').length" % selector) > 0, "no " + category)
        page.click_on("#legend [data-category=%s]" % category)
        same(page.run("document.querySelectorAll('%s').length" % selector), 0, "hidden " + category)
        same(page.run("document.querySelector('#legend [data-category=%s]').getAttribute('aria-pressed')" % category), "false")
        holds(any(number.startswith("✗") for number in steps(page)), "the failure is hidden with " + category)
        page.click_on("#legend [data-category=%s]" % category)
        holds(page.run("document.querySelectorAll('%s').length" % selector) > 0, category + " does not come back")


@check("faults")
def filters_leave_what_matches_and_the_failure(page):
    choose(page, "#actor", "client#1")
    same(page.run("layout.rows.map(e => e.index)"), [3, 5, 9, 19], "events of client#1")
    holds("4 of 20 events match" in text(page, "#notice"), text(page, "#notice"))
    choose(page, "#message", "Pay")
    same(page.run("layout.rows.map(e => e.index)"), [5, 19], "Pay of client#1")
    page.click_on("#show-all")
    same(page.run("[layout.rows.length, document.querySelector('#actor').value]"), [17, ""], "without filters")
    choose(page, "#search", "INJECTED")
    same(page.run("layout.rows.map(e => e.index)"), [11, 12, 19], "what says injected")


# ---- several runs ----

@check("bank")
def slider_leads_from_the_run_that_was_found_to_the_smallest(page):
    holds(visible(page, "#stage"), "no slider")
    last = int(page.run("document.querySelector('#stage').max"))
    same(page.run("Number(document.querySelector('#stage').value)"), last, "the stage at first")
    smallest = page.run("model.events.length")
    choose(page, "#stage", "0")
    holds("as it was found" in text(page, "#stage-text"), text(page, "#stage-text"))
    same(page.run("model.events.length"), page.run("report.runs[report.stages[0].run].events.length"), "events of the first run")
    holds(page.run("model.events.length") > smallest, "the run that was found is not longer")
    same(page.run("selected"), page.run("model.failing"), "selected")
    holds(page.run("model.failing") >= 0, "the run that was found has no failure")
    choose(page, "#stage", str(last))
    same(page.run("model.events.length"), smallest, "events of the smallest")


@check("bank")
def comparison_marks_the_first_difference(page):
    page.click_on("#tab-compare")
    holds(visible(page, "#comparison") and not visible(page, "#canvas"), "the tab is not shown")
    rows = page.run("[...document.querySelectorAll('#comparison tbody tr')].map(r => [r.className, r.cells[1].textContent, r.cells[r.cells.length - 1].textContent, r.cells[2].textContent])")
    first = [i for i, row in enumerate(rows) if "first" in row[0]]
    same(len(first), 1, "count of first differences")
    holds(all(row[1] == row[2] for row in rows[:first[0]]), "rows before the first difference differ")
    holds(rows[first[0]][1] != rows[first[0]][2], "the first difference is none")
    holds(rows[first[0]][3].startswith("①"), "the first difference is not marked")
    left = page.run("model.events.filter(e => categoryOf(e) !== 'setup').map(e => lineOf(model, e))")
    same([row[1] for row in rows if row[1]], left, "the left side")
    holds("The right run passes" in text(page, "#comparison"), "it is not said what differs")
    same(page.run("document.querySelectorAll('#comparison td.bad').length"), 1, "failing rows")
    choose(page, "#compare-right", page.run("document.querySelector('#compare-left').value"))
    holds("Both runs are the same" in text(page, "#comparison"), "a run differs from itself")


@check("bank")
def alignment_is_the_longest_common_one(page):
    pairs = page.run("align(['a','b','c','d','e','f'], ['a','x','c','d','y','f'])")
    same([tuple(pair) for pair in pairs if -1 not in pair], [(0, 0), (2, 2), (3, 3), (5, 5)], "pairs")
    same(sorted(i for i, _ in pairs if i >= 0), list(range(6)), "the left side")
    same(sorted(j for _, j in pairs if j >= 0), list(range(6)), "the right side")
    same(page.run("align([], ['a'])"), [[-1, 0]])
    same(page.run("align(['a', 'a'], ['a'])"), [[0, 0], [1, -1]])


@check("history")
def history_shows_the_legal_order_and_the_first_illegal_operation(page):
    page.click_on("#tab-histories")
    same(labels(page, "#histories h3"), ['key "x": not linearizable', 'key "y": ok'], "keys")
    bars = page.run("[...document.querySelectorAll('#histories section:first-of-type .bar')].map(b => [b.getAttribute('class'), b.querySelector('title').textContent])")
    same(len(bars), 3, "count of bars")
    same([bar[0] for bar in bars], ["bar", "bar illegal", "bar unplaced unknown"], "bars")
    holds(bars[0][1].startswith("1. ") and "then the model is Cell{value=1}" in bars[0][1], bars[0][1])
    holds(bars[1][1].startswith("✗ ") and "no order explains it" in bars[1][1], bars[1][1])
    holds("never returned" in bars[2][1], bars[2][1])
    page.run("document.querySelector('#histories .bar.illegal').focus()")
    holds("first illegal operation" in text(page, "#histories .said"), "the state is not told on focus")


@check("faults")
def tabs_without_data_are_not_there(page):
    holds(not visible(page, "#tab-compare") and not visible(page, "#tab-histories") and not visible(page, "#stage"), "an empty tab")
    page.click_on("#tab-about")
    holds(visible(page, "#about"), "no about")
    page.press("ArrowLeft")
    holds(visible(page, "#sequence"), "the arrow does not change the tab")


# ---- many events ----

@check("long")
def of_many_events_those_around_the_failure_are_drawn_and_it_is_said(page):
    holds("Only 5,000 events of 6,000 are drawn" in text(page, "#notice"), text(page, "#notice"))
    same(page.run("[layout.first, layout.end]"), [0, 5000], "the window")
    same(page.run("windowOf({events: {length: 20000}, failing: 15000}, false)"), [10501, 15501], "a window later on")
    same(page.run("windowOf({events: {length: 20000}, failing: -1}, false)"), [15000, 20000], "a window without a failure")
    holds(page.run("layout.rows.some(e => e.index === model.failing)"), "the failure is not among them")
    same(page.run("layout.rows.length"), 5000, "count of rows")
    same(title(page), "Step 3001")
    page.click_on("#load-all")
    same(page.run("layout.rows.length"), 6000, "count of all rows")
    holds(not visible(page, "#notice"), "the notice stays")


@check("long")
def work_for_a_key_does_not_grow_with_the_run(page):
    page.run("view.wantsAll = true; unpin(); relayout()")
    nodes = page.run("document.querySelectorAll('#canvas *').length")
    holds(nodes < 2500, "%d elements stand in the picture" % nodes)
    worst, slowest = 0, 0
    for key in "jjjkkjf" + "j" * 20:
        before = page.run("picture.touched")
        slowest = max(slowest, page.run("(() => { const t = performance.now(); document.dispatchEvent(new KeyboardEvent('keydown', {key: %s, bubbles: true})); return performance.now() - t; })()" % json.dumps(key)))
        worst = max(worst, page.run("picture.touched") - before)
    holds(worst < 1500, "a key touches %d elements" % worst)
    pinned_before = page.run("picture.touched")
    pinning = page.run("(() => { const t = performance.now(); pin(5000); return performance.now() - t; })()")
    pinned_touched = page.run("picture.touched") - pinned_before
    holds(pinned_touched < 2500, "pinning touches %d elements" % pinned_touched)
    laying = page.run("(() => { const t = performance.now(); relayout(); return performance.now() - t; })()")
    scrolling = page.run("(async () => { const t = performance.now(); for (let i = 0; i < 30; ++i) { $('scroller').scrollTop = i * 5000; await new Promise(requestAnimationFrame); } return (performance.now() - t) / 30; })()")
    holds(page.run("document.querySelectorAll('#canvas *').length") < 2500, "elements pile up")
    figures.append("6000 events: %d elements in the picture; a key touches at most %d of them, %.1f ms; pinning %.1f ms; a new layout %.0f ms; a frame of scrolling %.1f ms"
                   % (nodes, worst, slowest, pinning, laying, scrolling))


@check("short")
def with_many_events_only_what_led_to_the_failure_stands_out(page):
    holds(page.run("document.querySelector('#causal').checked"), "nothing is grey")
    grey = page.run("model.events.filter(e => picture.isDim(e.index)).length")
    past = page.run("pastOf(model, model.failing).size")
    same(grey, 200 - past, "count of grey events")
    holds(0 < grey < 199, "%d are grey" % grey)


@check("short")
def address_remembers_the_step(page):
    for _ in range(3):
        page.press("j")
    step = title(page).split()[1]
    same(step, "104")
    same(page.run("location.hash"), "#step=" + step)
    page.reload()
    same(title(page), "Step " + step, "selected after a reload")


# ---- other programs ----

def exported(page, kind):
    return page.run("(() => { let got; const before = window.download; window.download = (name, type, text) => { got = text; }; const e = $('export'); e.value = %s; e.dispatchEvent(new Event('change')); window.download = before; return got; })()" % json.dumps(kind))


@check("faults")
def exports_are_what_other_programs_read(page):
    svg = exported(page, "svg")
    same(page.run("(t => { const d = new DOMParser().parseFromString(t, 'image/svg+xml'); return [d.querySelectorAll('parsererror').length, d.documentElement.localName, d.querySelectorAll('.box.failing').length]; })(%s)" % json.dumps(svg)), [0, "svg", 1])
    holds("var(--" not in svg, "an exported picture has no colours of its own")
    mermaid = exported(page, "mermaid").splitlines()
    same(mermaid[0], "sequenceDiagram")
    holds("  p4->>p2: 3 Pay{order=1, cents=500}" in mermaid, "no message in Mermaid")
    holds("  p2-->>p4: ok" in mermaid, "no reply in Mermaid")
    same(sum(line == "  end" for line in mermaid), 1, "count of red blocks")
    perfetto = json.loads(exported(page, "perfetto"))
    same(sum(event["ph"] == "M" for event in perfetto["traceEvents"]), 6, "threads of Perfetto")
    same(sum(event["ph"] == "X" for event in perfetto["traceEvents"]), 5, "slices of Perfetto")
    lines = exported(page, "shiviz").splitlines()
    same(len(lines) % 2, 0, "odd lines of ShiViz")
    clocks = [(line.split(" ", 1)[0], json.loads(line.split(" ", 1)[1])) for line in lines[::2]]
    same(len(clocks), 20, "events of ShiViz")
    own = {}
    for host, clock in clocks:
        own[host] = own.get(host, 0) + 1
        same(clock[host], own[host], "the clock of " + host)
        holds(all(count <= own.get(other, 0) for other, count in clock.items()), "a clock knows the future")


@check("evil")
def exports_hold_names_as_text(page):
    svg = exported(page, "svg")
    same(page.run("(t => { const d = new DOMParser().parseFromString(t, 'image/svg+xml'); return [d.querySelectorAll('parsererror, script, image, [onload], [onerror]').length, d.documentElement.localName]; })(%s)" % json.dumps(svg)), [0, "svg"])
    for line in exported(page, "mermaid").splitlines():
        holds("<" not in line and "\"" not in line and (";" not in line or "#" in line), line)
    json.loads(exported(page, "perfetto"))
    same(len(exported(page, "shiviz").splitlines()) % 2, 0)


# ---- safety, reading, eyes ----

@check("evil")
def names_and_messages_are_text(page):
    for tab in ("#tab-about", "#tab-sequence"):
        page.click_on(tab)
    for _ in range(3):
        page.press("k")
        page.press("Enter")
    click_row(page, 0)
    page.move(300, 420)
    same(page.run("window.hacked === undefined"), True, "the page was not hacked")
    same(page.run("document.querySelectorAll('img, iframe, object, embed, [onload], [onerror], svg svg').length"), 0, "foreign elements")
    same(page.run("document.querySelectorAll('script').length"), 2, "count of scripts")
    holds("<img src=x onerror=window.hacked=2>" in text(page, "#name"), "the name is not shown as it is")
    holds("<img src=x" in text(page, "#panel"), "the panel does not show the name as it is")
    holds(not any(event.get("method") == "Page.javascriptDialogOpening" for event in page.events), "a dialog")


@check("log")
def logs_of_production_are_read(page):
    words = page.run("document.body.innerText")
    holds("undefined" not in words and "NaN" not in words and "[object" not in words, "something is undefined")
    same(page.run("layout.rows.length"), 4, "count of rows")
    holds("1 line that" in words, "what is left out is not said")
    click_row(page, 0)
    holds("4bf92f35" in text(page, "#panel"), "a field that nobody knows is not shown")
    click_row(page, 1)
    holds('{"size":43}' in text(page, "#panel"), "an object that nobody knows is not shown")
    holds(any("03:04:05.250" in label for label in labels(page, "#canvas .time")), "no time of the day")
    same(labels(page, "#canvas .label.reply"), ["1"], "replies")


@check("bank")
def everything_has_a_name_and_can_be_reached(page):
    nameless = page.run("[...document.querySelectorAll('button, select, input, [tabindex]')].filter(e => !(e.textContent.trim() || e.getAttribute('aria-label') || e.labels?.length || e.closest('label'))).map(e => e.outerHTML)")
    same(nameless, [], "elements without a name")
    same(page.run("document.activeElement.id"), "scroller", "the focus at first")
    same(page.run("document.documentElement.lang"), "en")
    same(page.run("document.querySelector('#panel').getAttribute('aria-live')"), "polite")


contrast = """(() => {
  const rgb = (name) => { const p = document.createElement('i'); p.style.color = getComputedStyle(document.documentElement).getPropertyValue(name); document.body.append(p);
    const c = getComputedStyle(p).color.match(/[0-9.]+/g).slice(0, 3).map(v => v / 255).map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); p.remove();
    return 0.2126 * c[0] + 0.7152 * c[1] + 0.0722 * c[2]; };
  const bad = [];
  for (const [a, b] of [['--text', '--page'], ['--text', '--panel'], ['--quiet', '--page'], ['--quiet', '--panel'], ['--accent', '--page'], ['--accent', '--panel'], ['--bad', '--page'], ['--bad', '--bad-page'],
                        ['--bad', '--panel'], ['--timer', '--page'], ['--warn', '--page'], ['--text', '--select'], ['--quiet', '--select'], ['--page', '--bad'], ['--page', '--text'], ['--page', '--good'], ['--quiet', '--bad-page'], ['--accent', '--bad-page']]) {
    const [x, y] = [rgb(a), rgb(b)].sort((p, q) => q - p);
    if ((x + 0.05) / (y + 0.05) < 4.5) bad.push(a + ' on ' + b + ': ' + ((x + 0.05) / (y + 0.05)).toFixed(2));
  }
  return bad;
})()"""


@check("bank")
def light_colours_have_contrast(page):
    same(page.run(contrast), [], "colours that are too close")


@check("bank", dark=True)
def dark_colours_have_contrast(page):
    same(page.run("getComputedStyle(document.body).backgroundColor"), "rgb(15, 19, 24)", "the page in the dark")
    same(page.run(contrast), [], "colours that are too close")


@check("bank", width=640, height=800)
def narrow_windows_show_the_panel_below(page):
    holds(page.run("document.querySelector('#panel').getBoundingClientRect().top >= document.querySelector('#scroller').getBoundingClientRect().bottom - 1"), "the panel stands beside")
    holds(page.run("document.documentElement.scrollWidth <= innerWidth"), "the page is wider than the window")


def main():
    if sys.argv[1:] == ["--list"]:
        print("\n".join(checks))
        return 0
    program, folder, wanted = sys.argv[1], sys.argv[2], sys.argv[3:] or list(checks)
    started = time.monotonic()
    browser = Browser(program)
    wrong = 0
    try:
        for name in wanted:
            page, options, function = checks[name]
            try:
                browser.open("%s/%s.html" % (folder, page), **options)
                function(browser)
                same(browser.complaints(), [], "the console")
                same(browser.requests(), [], "requests")
                verdict = "ok"
            except (AssertionError, RuntimeError, TypeError, IndexError, KeyError, ValueError) as error:
                verdict = (type(error).__name__ + ": " if not isinstance(error, AssertionError) else "") + " ".join(str(error).split())
                wrong += 1
            print("%s\t%s" % (name, verdict), flush=True)
    finally:
        browser.close()
    for figure in figures:
        print("figure\t" + figure)
    print("figure\t%d checks in %.1f s" % (len(wanted), time.monotonic() - started))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
