/* page.js — what the page of a run does: metrics, tables, the timeline, mouse and keyboard.
 *
 * `data` is what html.lua documents, `tasks` its tasks; one of them is named by its index. Texts
 * of the run get onto the page by textContent only.
 *
 * A lane of the timeline is a slot that was used again and again; the bars in it are attempts of
 * tasks. Only what is in sight is drawn, at most once a frame. Times are microseconds, places are
 * pixels.
 */
"use strict";
(() => {
const data = JSON.parse(document.getElementById("data").textContent);
const fig = data.metrics, tasks = data.tasks, wall = Math.max(fig.wall * 1e6, 1);
const byId = new Map(tasks.map((t, i) => [t.id, i]));
const dependents = tasks.map(() => []);
tasks.forEach((t, i) => (t.b || []).forEach((b) => dependents[b].push(i)));
const state = {chosen: -1, query: "", status: "", match: null, sort: "id", down: false};
const WHAT = {
  work: ["tasks at work", "--ok"], barriers: ["barriers: the script waited for several", "--path"],
  in_turn: ["the script waited for one task", "--c2"], script: ["the script's own code", "--c7"],
  slot: ["queued for slots", "--c0"], rate: ["rates", "--c4"], throttled: ["throttled", "--c5"],
  writes: ["queued for writes", "--c3"], memory: ["queued for memory", "--c4"],
  retry: ["retries", "--bad"], dispatch: ["dispatch", "--gone"],
};

const FAILURES = 3; // that are shown at once: the timeline is to be in sight

// -- Elements

const $ = (id) => document.getElementById(id);

function make(tag, text, attributes) {
  const e = document.createElement(tag);
  if (text !== undefined && text !== null) e.textContent = text;
  for (const k in attributes || {}) {
    if (k === "onclick") e.addEventListener("click", attributes[k]);
    else e.setAttribute(k, attributes[k]);
  }
  return e;
}

function put(to, ...children) {
  for (const c of children) if (c) to.append(c);
  return to;
}

function link(i, text) {
  return make("button", text, {class: "link", type: "button", onclick: () => choose(i, true)});
}

// -- Words

// Numbers as util/format.lua writes them.
function three(x) {
  return String(Number(x.toFixed(x < 9.995 ? 2 : x < 99.95 ? 1 : 0)));
}

function time(us) {
  const s = us / 1e6;
  if (us < 0.5) return "0 s";
  if (us < 999.5) return Math.round(us) + " \u00b5s";
  if (s < 0.9995) return Math.round(us / 1000) + " ms";
  if (s < 59.95) return three(s) + " s";
  const w = Math.round(s), two = (n) => String(n).padStart(2, "0");
  if (w < 3600) return Math.floor(w / 60) + " m " + two(w % 60) + " s";
  return Math.floor(w / 3600) + " h " + two(Math.floor(w % 3600 / 60)) + " m";
}

function scaled(n, base, units) {
  let i = -1;
  while (n >= base * 0.9995 && i < units.length - 1) { n /= base; i++; }
  if (i < 0) return [String(Math.round(n)), ""];
  return [three(n), units[i]];
}

function bytes(n) {
  const [figure, unit] = scaled(n, 1024, ["KiB", "MiB", "GiB", "TiB"]);
  return figure + " " + (unit || (n === 1 ? "byte" : "bytes"));
}

const count = (n) => scaled(n, 1000, ["k", "M", "G", "T"]).join("");
const money = (usd) => "$" + usd.toFixed(usd >= 0.0995 ? 2 : usd >= 0.00995 ? 3 : 5);
const plural = (n, word) => n + " " + word + (n === 1 ? "" : "s");
const percent = (part) => (Math.round(part * 1000) / 10) + " %";
const nameOf = (t) => t.d || t.a || t.id;
const tokens = (t) => (t.ti || 0) + (t.to || 0);

// -- Head

function showTiles() {
  const p = fig.parallel, c = fig.context, used = c.tokens.input + c.tokens.output;
  const tile = (value, name) => put($("tiles"),
    put(make("div", null, {class: "tile"}), make("b", value), make("span", name)));
  tile(time(wall), "wall time");
  const least = fig.computes ? ", at least" : "";
  if (fig.speed_up !== undefined && (!least || fig.speed_up >= 1.05)) {
    tile(time(fig.one_by_one * 1e6), "one after another" + least);
    tile(fig.speed_up.toFixed(1) + " \u00d7", "speed-up" + least + " (" +
      p.possible.toFixed(1) + " possible)");
  }
  tile(p.achieved.toFixed(1), "at work at once (" + p.peak + " at most)");
  if (fig.computes) tile(time(fig.computed * 1e6), "computed, on " +
    plural(fig.processors, "processor"));
  tile(time(p.bound * 1e6), "at the least, with these slots (" + time(p.span * 1e6) +
    " with as many as you like)");
  if (c.made > 0)
    tile(bytes(c.made), "made in tasks; " + bytes(c.handed) + " handed to the script");
  if (used > 0) tile(count(used), "tokens");
  if (fig.cost !== undefined) tile(money(fig.cost), "cost");
}

function showHead() {
  const words = Object.keys(fig.by_status).sort().map((s) => fig.by_status[s] + " " + s);
  const name = fig.name || "a run";
  document.title = name + " \u2013 orun report";
  $("title").textContent = name;
  let sub = plural(fig.tasks, "task") + (words.length ? ": " + words.join(", ") : "");
  if (fig.items) sub += ", " + plural(fig.items, "list item");
  if (fig.begun) sub += " \u2013 began " + fig.begun;
  if (fig.cut)
    sub += " \u2013 recorded up to " + time(fig.cut.at * 1e6) + " only: " + fig.cut.why;
  else if (!fig.over) sub += " \u2013 the record has no end: it goes on, or was killed";
  $("sub").textContent = sub;
  showTiles();
}

// What failed, the first of it; the rest is one click away.
function showFailures() {
  const failed = tasks.map((t, i) => i).filter((i) => tasks[i].s === "failed");
  const rest = make("details");
  put(rest, make("summary", "and " + (failed.length - FAILURES) + " more"));
  failed.forEach((i, n) => {
    const t = tasks[i], message = (t.e || "").replace(/\nstack traceback:[^]*/, "");
    const why = message || t.ek || "no reason given";
    const box = put(make("div", null, {class: "finding"}), put(make("p"), link(i, nameOf(t)),
      make("span", " " + [t.id, t.ek, t.at].filter((w) => w).join(" \u2013 "), {class: "soft"})),
      make("pre", why.length > 600 ? why.slice(0, 600) + "\u2026" : why));
    put(n < FAILURES ? $("failures") : rest, box);
  });
  if (failed.length > FAILURES) put($("failures"), rest);
  const cancelled = fig.by_status.cancelled;
  if (failed.length && cancelled)
    put($("failures"), make("p", plural(cancelled, "task") + " cancelled", {class: "soft"}));
  $("failures").hidden = failed.length === 0;
}

function findingOf(f) {
  const cost = f.cost_seconds > 0 ? " (" + time(f.cost_seconds * 1e6) + ")" : "";
  const box = put(make("div", null, {class: "finding"}),
    put(make("p"), make("b", f.title + cost)), f.at && make("p", f.at, {class: "soft"}));
  if (f.fix) put(box, make("pre", f.fix));
  const named = put(make("p"));
  (f.tasks || []).slice(0, 20).forEach((id) => {
    if (byId.has(id)) put(named, link(byId.get(id), id), " ");
  });
  return put(box, named);
}

function showFindings() {
  for (const f of fig.findings) {
    const box = findingOf(f);
    if (f.more) {
      const rest = put(make("details"), make("summary", "and " + f.more.length + " more like it"));
      f.more.slice(0, 100).forEach((other) => put(rest, findingOf(other)));
      put(box, rest);
    }
    put($("findings"), box);
  }
  $("findings").hidden = fig.findings.length === 0;
}

function showParts() {
  for (const part of fig.parts) {
    const [words, colour] = WHAT[part.what];
    const piece = make("div", null, {title: words + " " + time(part.seconds * 1e6)});
    piece.style.flex = part.seconds / fig.wall * 1000 + " 0 0";
    const mark = make("i");
    piece.style.background = mark.style.background = "var(" + colour + ")";
    put($("parts"), piece);
    put($("legend"), put(make("li"), mark, words + " ",
      make("span", time(part.seconds * 1e6) + ", " + percent(part.seconds / fig.wall),
        {class: "soft"})));
  }
  for (const b of fig.barriers.slice(0, 5)) {
    const next = byId.get(b.next);
    put($("barriers"), put(make("li"), (b.at || "?") + ": waited for " +
      (b.waited === 1 ? "one task" : plural(b.waited, "task")) + "; ",
      next === undefined ? b.next : link(next, nameOf(tasks[next])),
      " could have run for " + time(b.seconds * 1e6) + " of that"));
  }
}

function showPath() {
  for (const s of fig.path) {
    const parts = Object.keys(s.parts).filter((w) => w !== "run" && s.parts[w] > 0.0005)
      .map((w) => (WHAT[w] || [w])[0] + " " + time(s.parts[w] * 1e6));
    if (s.to - s.from < fig.wall / 1000) continue;
    put($("path"), put(make("li"), s.task ? link(byId.get(s.task), nameOf(tasks[byId.get(s.task)]))
      : "script", " " + time((s.to - s.from) * 1e6) + (parts.length ? " (" + parts.join(", ") + ")"
      : "")));
  }
}

function showTable(id, heads, rows) {
  const head = put(make("tr")), body = make("tbody");
  const cell = (tag, c, i) => make(tag, c, i > 0 ? {class: "n"} : {});
  heads.forEach((h, i) => put(head, cell("th", h, i)));
  for (const row of rows) {
    const line = put(make("tr"));
    row.forEach((c, i) => put(line, cell("td", c, i)));
    put(body, line);
  }
  put($(id), put(make("thead"), head), body);
}

function showTables() {
  const counted = (n) => n ? count(n) : ""; // programs that are not agents have none
  const any = fig.agents.some((a) => a.input || a.output), paid = fig.agents.some((a) => a.cost);
  const heads = ["agent", "tasks", "failed", "time", "longest",
    ...(any ? ["tokens in", "tokens out"] : []), ...(paid ? ["cost"] : [])];
  showTable("agents", heads, fig.agents.map((a) => [a.agent, a.tasks, a.failed,
    time(a.seconds * 1e6), time(a.longest * 1e6), ...(any ? [counted(a.input), counted(a.output)]
    : []), ...(paid ? [a.cost ? money(a.cost) : ""] : [])]));
  showTable("limits", ["limit", "slots", "used at once", "of them used"], fig.limits.map((l) =>
    [l.name, l.slots, l.peak, percent(l.work / l.slots / Math.max(fig.wall, 1e-9))]));
}

// -- The table of tasks: rows that are seen are there, the others are space

const ROW = 24, ROWS = 18; // pixels of a row; how many there is room for
const ALL = [ // field, heading, width, what is shown, what is sorted by; right: a number
  ["id", "task", 70, (t) => t.id, (t, i) => i],
  ["d", "description", 0, nameOf, nameOf],
  ["a", "agent", 120, (t) => t.a || (t.k === "lua" ? "Lua function" : t.k), (t) => t.a || ""],
  ["s", "status", 100, (t) => t.s, (t) => t.s],
  ["from", "start", 80, (t) => t.t ? time(t.t[0][0]) : "", (t) => t.t ? t.t[0][0] : Infinity, 1],
  ["own", "time", 80, (t) => time(t.own), (t) => t.own, 1],
  ["queued", "queued", 80, (t) => t.q ? time(queued(t)) : "", (t) => queued(t), 1],
  ["n", "attempts", 100, (t) => t.t ? t.t.length : "", (t) => t.t ? t.t.length : 0, 1],
  ["tokens", "tokens", 80, (t) => tokens(t) ? count(tokens(t)) : "", tokens, 1],
  ["c", "cost", 80, (t) => t.c ? money(t.c) : "", (t) => t.c || 0, 1],
  ["y", "output", 90, (t) => t.y ? bytes(Math.max(t.y, t.pr || 0)) : "", (t) => t.y || 0, 1],
];
const NARROW = {id: 60, d: 0, s: 88, own: 66}; // on a small screen, and how wide
const small = window.matchMedia("(max-width: 600px)");
let COLUMNS = [];
let order = [];

// The columns that have something in them, as far as there is room.
function chooseColumns() {
  const always = {id: 1, d: 1, a: 1, s: 1, from: 1, own: 1};
  COLUMNS = ALL.filter((c) => always[c[0]] || tasks.some((t) => c[0] === "n"
    ? t.t && t.t.length > 1 : c[3](t) !== ""));
  if (small.matches)
    COLUMNS = COLUMNS.filter((c) => c[0] in NARROW).map((c) => [...c.slice(0, 2), NARROW[c[0]],
      ...c.slice(3)]);
  $("rows").classList.toggle("narrow", small.matches);
}

function queued(t) {
  return (t.q || []).reduce((sum, q) => sum + q[1] - q[0], 0);
}

function showHeads() {
  chooseColumns();
  $("heads").replaceChildren();
  const space = COLUMNS.reduce((sum, c) => sum + c[2], 0);
  for (const [field, words, width, , , right] of COLUMNS) {
    const head = make("th", null, {scope: "col", class: right ? "n" : ""});
    head.style.width = width ? width + "px" : "calc(100% - " + space + "px)";
    put(head, make("button", words, {type: "button", onclick: () => sortBy(field)}));
    put($("heads"), head);
  }
}

function sortBy(field) {
  state.down = state.sort === field ? !state.down : false;
  state.sort = field;
  arrange();
}

// Which tasks are in the table, in which order.
function arrange() {
  const column = ALL.find((c) => c[0] === state.sort), sign = state.down ? -1 : 1;
  order = [];
  tasks.forEach((t, i) => { if (!state.match || state.match[i]) order.push(i); });
  const keys = tasks.map((t, i) => column[4](t, i));
  order.sort((x, y) => {
    const a = keys[x], b = keys[y];
    return a < b ? -sign : a > b ? sign : x - y;
  });
  [...$("heads").children].forEach((head, i) => {
    const by = COLUMNS[i][0] === state.sort;
    head.setAttribute("aria-sort", by ? state.down ? "descending" : "ascending" : "none");
  });
  $("count").textContent = "Tasks: " + (order.length === tasks.length ? order.length
    : order.length + " of " + tasks.length);
  $("rows").style.height = (Math.min(order.length, ROWS) + 1.5) * ROW + "px";
  showRows();
}

function pad(height) {
  const row = make("tr", null, {class: "pad"}), cell = make("td", null, {colspan: COLUMNS.length});
  cell.style.height = height + "px";
  return put(row, cell);
}

function showRows() {
  const box = $("rows"), first = Math.max(0, Math.floor(box.scrollTop / ROW) - 10);
  const last = Math.min(order.length, first + Math.ceil(box.clientHeight / ROW) + 20);
  const rows = [pad(first * ROW)];
  for (let k = first; k < last; k++) {
    const i = order[k], t = tasks[i];
    const row = make("tr", null, {"data-i": i, class: i === state.chosen ? "chosen" : ""});
    for (const [field, , , show, , right] of COLUMNS) {
      const cell = make("td", show(t, i), {class: right ? "n" : field === "s" ? t.s : ""});
      put(row, cell);
    }
    rows.push(row);
  }
  rows.push(pad((order.length - last) * ROW));
  $("body").replaceChildren(...rows);
}

// -- Searching and choosing

const haystack = tasks.map((t) => [t.id, t.d, t.a, t.e, t.ek, t.at, t.ph, t.key, t.m, t.o]
  .filter((x) => x).join("\n").toLowerCase());

function search() {
  const words = state.query.toLowerCase().split(/\s+/).filter((w) => w);
  state.match = words.length || state.status ? tasks.map((t, i) =>
    (!state.status || t.s === state.status) && words.every((w) => haystack[i].includes(w))) : null;
  const n = state.match ? state.match.filter((m) => m).length : 0;
  $("found").textContent = state.match ? plural(n, "task") + (n === 1 ? " matches" : " match") : "";
  $("rows").scrollTop = 0;
  arrange();
  draw();
}

// The next task that matches, from the chosen one on, in the order they were added.
function nextMatch(step) {
  const n = tasks.length;
  if (!state.match) return;
  for (let k = 1; k <= n; k++) {
    const i = (Math.max(state.chosen, step > 0 ? -1 : 0) + step * k + n * 2) % n;
    if (state.match[i]) return choose(i, true);
  }
}

function row(name, value) {
  return value === undefined || value === null || value === "" ? [] : [make("dt", name),
    value instanceof Node ? put(make("dd"), value) : make("dd", value)];
}

function links(indices) {
  if (!indices || !indices.length) return null;
  const all = make("span");
  indices.slice(0, 12).forEach((i, n) => put(all, n ? ", " : "", link(i, nameOf(tasks[i]))));
  if (indices.length > 12) put(all, " and " + (indices.length - 12) + " more");
  return all;
}

function showDetail() {
  const box = $("detail"), t = tasks[state.chosen];
  box.hidden = !t;
  if (!t) return;
  const list = make("dl"), waits = (t.w || []).filter((w) => w[2]);
  put(list, ...row("status", t.s + (t.ek ? " (" + t.ek + ")" : "")), ...row("task", t.id),
    ...row("agent", t.a || (t.k === "lua" ? "Lua function" : t.k)), ...row("at", t.at),
    ...row("phase", t.ph), ...row("key", t.key), ...row("model", t.m),
    ...row("started by", t.p === undefined ? null : links([t.p])),
    ...row("waited for", links(t.b)), ...row("then", links(dependents[state.chosen])),
    ...row("added", time(t.add)), ...row("ran", t.t ? t.t.map((a) => time(a[0]) + " to " +
      time(a[1]) + (a[2] && a[2] !== "none" ? " (" + a[2] + ")" : "")).join(", ") : "never"),
    ...row("own time", time(t.own)),
    ...row("queued", (t.q || []).map((q) => time(q[1] - q[0]) + " (" + q[2] + ")").join(", ")),
    ...row("waited", waits.length ? time(waits.reduce((s, w) => s + w[1] - w[0], 0)) + " for others"
      : ""),
    ...row("tokens", tokens(t) ? count(t.ti || 0) + " in, " + count(t.to || 0) + " out" : ""),
    ...row("cost", t.c ? money(t.c) : ""), ...row("exit code", t.x), ...row("signal", t.sg),
    ...row("half-written", t.hw),
    ...row("last activity", t.ac),
    ...row("output", t.y ? bytes(t.y) + (t.pr > t.y ? ", printed " + bytes(t.pr) : "") +
      (t.r ? "; handed to the script " + (t.r === 1 ? "once" : t.r + " times") : "") : ""));
  const right = put(make("div"), t.e && make("pre", t.e, {class: "failed"}),
    make("pre", t.o === undefined ? t.e ? "" : "(no output)" : t.o,
      {tabindex: "0", "aria-label": "How the output begins", id: "output"}));
  box.replaceChildren(make("h3", nameOf(t)), list, right);
}

function choose(i, look) {
  state.chosen = i;
  if (look && i >= 0) {
    showTask(i);
    const at = order.indexOf(i), box = $("rows");
    if (at >= 0 && (at * ROW < box.scrollTop || (at + 2) * ROW > box.scrollTop + box.clientHeight))
      box.scrollTop = at * ROW - box.clientHeight / 2;
  }
  showDetail();
  showRows();
  draw();
}
// -- Lanes

const KINDS = [["program", "program"], ["lua", "Lua"], ["item", "item"]];
const lanes = [];            // {name, bars: [{i, n, from, to}] in the order of time}
const barsOf = tasks.map(() => []); // of each task, the first attempt first
const firstBar = (i) => barsOf[i] && barsOf[i][0];
const lastBar = (i) => barsOf[i] && barsOf[i][barsOf[i].length - 1];

// A heap of arrays that are compared by their first element.
function push(heap, x) {
  let k = heap.push(x) - 1;
  while (k > 0 && heap[(k - 1) >> 1][0] > x[0]) { heap[k] = heap[(k - 1) >> 1]; k = (k - 1) >> 1; }
  heap[k] = x;
}

function pop(heap) {
  const top = heap[0], x = heap.pop();
  if (!heap.length) return top;
  for (let k = 0; ;) {
    let c = 2 * k + 1;
    if (c + 1 < heap.length && heap[c + 1][0] < heap[c][0]) c++;
    if (c >= heap.length || heap[c][0] >= x[0]) { heap[k] = x; return top; }
    heap[k] = heap[c];
    k = c;
  }
}

function layOut([kind, name]) {
  const bars = [], busy = [], free = [], first = lanes.length;
  tasks.forEach((t, i) => {
    if (t.k === kind) (t.t || []).forEach((a, n) => bars.push({i, n, from: a[0], to: a[1]}));
  });
  bars.sort((a, b) => a.from - b.from);
  for (const bar of bars) {
    while (busy.length && busy[0][0] <= bar.from) push(free, [pop(busy)[1]]);
    if (!free.length) {
      free.push([lanes.length]);
      lanes.push({name: name + " " + (lanes.length - first + 1), bars: []});
    }
    bar.lane = pop(free)[0];
    push(busy, [bar.to, bar.lane]);
    lanes[bar.lane].bars.push(bar);
    barsOf[bar.i].push(bar);
  }
}
KINDS.forEach(layOut);

// How many tasks worked, when: [at, n].
const curve = (() => {
  const steps = [], all = [];
  for (const t of tasks) {
    if (t.k === "item") continue;
    for (const a of t.t || []) steps.push([a[0], 1], [a[1], -1]);
    for (const w of t.w || []) if (w[2]) steps.push([w[0], -1], [w[1], 1]);
  }
  steps.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  let n = 0;
  for (const s of steps) {
    n += s[1];
    if (all.length && all[all.length - 1][0] === s[0]) all[all.length - 1][1] = n;
    else all.push([s[0], n]);
  }
  return all;
})();
const peak = curve.reduce((m, s) => Math.max(m, s[1]), 1);

// The critical path, as pieces of bars.
const onPath = fig.path.filter((s) => s.task && byId.has(s.task)).map((s) => {
  const i = byId.get(s.task), to = s.to * 1e6;
  const bars = (tasks[i].t || []).map((a, n) => n).filter((n) => tasks[i].t[n][0] <= to);
  return {i, from: s.from * 1e6, to, n: bars.length ? bars[bars.length - 1] : -1};
});

// -- What is seen

const canvas = $("chart"), pen = canvas.getContext("2d");
const EDGES = 400; // drawn at once, at most
const ROW_OF_PHASES = 14, PHASES = Math.min(3, data.phases.length) * ROW_OF_PHASES;
const GUTTER = 76, CURVE = 58 + PHASES, AXIS = 20, TOP = CURVE + AXIS + 4;
const view = {from: 0, to: wall, top: 0, hover: -1, frames: 0, drawn: 0, edges: 0};
const LANE = lanes.length > 60 ? 8 : lanes.length > 30 ? 13 : 20;
let width = 0, height = 0, colours = null, waiting = false;

const X = (us) => GUTTER + (us - view.from) / (view.to - view.from) * (width - GUTTER);
const AT = (x) => view.from + (x - GUTTER) / (width - GUTTER) * (view.to - view.from);
const Y = (lane) => TOP + lane * LANE - view.top;

function colour(name) {
  colours = colours || {style: getComputedStyle(document.documentElement), known: {}};
  return colours.known[name] = colours.known[name] || colours.style.getPropertyValue(name).trim();
}

const groups = {a: new Map(), ph: new Map()};
const STATUS = {completed: "--ok", cached: "--ok", fresh: "--ok", failed: "--bad",
  cancelled: "--gone", skipped: "--gone"};

function colourOf(t) {
  const by = $("colour").value;
  if (by === "s") return colour(t.s === "completed" && t.k === "item" ? "--item"
    : STATUS[t.s] || "--open");
  const name = t[by] || t.k, known = groups[by];
  if (!known.has(name)) known.set(name, known.size % 8);
  return colour("--c" + known.get(name));
}

// The first index of a sorted array of which `after` is true.
function firstIn(array, after) {
  let low = 0, high = array.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (after(array[middle])) high = middle; else low = middle + 1;
  }
  return low;
}

function resize() {
  const ratio = window.devicePixelRatio || 1;
  height = Math.min(Math.max(TOP + lanes.length * LANE + 16, 170), 608);
  canvas.style.height = height + "px";
  width = canvas.clientWidth;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  draw();
}

function draw() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(render);
}

// -- Drawing

function tickStep() {
  const want = (view.to - view.from) / Math.max(2, (width - GUTTER) / 110);
  const ten = Math.pow(10, Math.floor(Math.log10(want)));
  const nice = want > 6e7 ? [6e7, 1.2e8, 3e8, 6e8, 1.8e9, 3.6e9, 7.2e9, 2.16e10, 8.64e10]
    : [ten, 2 * ten, 5 * ten, 10 * ten];
  return nice.find((s) => s >= want) || nice[nice.length - 1];
}

// A moment on the axis, as exactly as its step asks for.
function moment(us, step) {
  if (us === 0) return "0";
  if (step >= 6e7) return time(us);
  const unit = us >= 1e6 || step >= 1e6 ? [1e6, " s"] : us >= 1e3 ? [1e3, " ms"] : [1, " \u00b5s"];
  const digits = Math.max(0, Math.min(6, Math.ceil(-Math.log10(step / unit[0]) - 1e-9)));
  return (us / unit[0]).toFixed(digits) + unit[1];
}

function drawAxis() {
  const step = tickStep();
  pen.font = "11px system-ui, sans-serif";
  pen.textBaseline = "middle";
  for (let at = Math.ceil(view.from / step) * step; at <= view.to; at += step) {
    const x = Math.round(X(at)) + 0.5;
    pen.strokeStyle = colour("--grid");
    pen.beginPath();
    pen.moveTo(x, 0);
    pen.lineTo(x, height);
    pen.stroke();
    pen.fillStyle = colour("--soft");
    pen.textAlign = x > width - 50 ? "right" : "left";
    pen.fillText(moment(at, step), x > width - 50 ? width - 4 : x + 4, CURVE + AXIS / 2);
  }
  pen.textAlign = "left";
}

// Where the names of phases are written: in rows, none over another. What no row has room for is
// counted with the last that had.
function placePhases() {
  const ends = Array(PHASES / ROW_OF_PHASES).fill(0), placed = [];
  const counts = data.phases.length > ends.length ? 30 : 0; // room for a count
  for (const p of data.phases) {
    const x = Math.round(X(p.at)) + 0.5;
    if (x < GUTTER || x > width) continue;
    const name = p.name.length > 28 ? p.name.slice(0, 27) + "\u2026" : p.name;
    const wide = pen.measureText(name).width;
    const from = Math.max(GUTTER, Math.min(x + 4, width - wide - counts - 4));
    const row = ends.findIndex((end) => end <= from);
    if (row >= 0) {
      ends[row] = from + wide + counts + 4;
      placed.push({x, from, row, name, more: 0});
    } else {
      placed[placed.length - 1].more++;
    }
  }
  return placed;
}

function drawPhases() {
  pen.strokeStyle = pen.fillStyle = colour("--accent");
  pen.setLineDash([4, 4]);
  for (const p of data.phases) {
    const x = Math.round(X(p.at)) + 0.5;
    if (x < GUTTER || x > width) continue;
    pen.beginPath();
    pen.moveTo(x, 0);
    pen.lineTo(x, height);
    pen.stroke();
  }
  pen.setLineDash([]);
  view.phases = placePhases();
  for (const p of view.phases) {
    const y = p.row * ROW_OF_PHASES + ROW_OF_PHASES / 2;
    const text = p.name + (p.more ? " +" + p.more : "");
    pen.fillStyle = colour("--bg"); // the lines of others are not drawn through it
    pen.fillRect(p.from - 2, y - 6, pen.measureText(text).width + 4, 12);
    pen.fillStyle = colour("--accent");
    pen.fillText(text, p.from, y);
  }
}

// For each column of pixels the most that worked at once in it.
function drawCurve() {
  const scale = (CURVE - PHASES - 14) / peak, base = CURVE;
  let k = Math.max(0, firstIn(curve, (s) => s[0] > view.from) - 1);
  pen.beginPath();
  pen.moveTo(GUTTER, base);
  for (let x = GUTTER; x < width; x++) {
    const until = AT(x + 1);
    let most = curve.length && curve[k][0] <= until ? curve[k][1] : 0;
    while (k + 1 < curve.length && curve[k + 1][0] <= until) most = Math.max(most, curve[++k][1]);
    pen.lineTo(x, base - most * scale);
    pen.lineTo(x + 1, base - most * scale);
  }
  pen.lineTo(width, base);
  pen.fillStyle = colour("--open");
  pen.globalAlpha = 0.28;
  pen.fill();
  pen.globalAlpha = 1;
  pen.fillStyle = colour("--soft");
  pen.fillText(peak + " at once", 6, PHASES + 14);
}

function drawWaits(t, from, to, y, h) {
  if (!t.w) return;
  pen.fillStyle = colour("--bg");
  pen.globalAlpha *= 0.62;
  for (const w of t.w) {
    if (!w[2] || w[1] < from || w[0] > to) continue;
    const a = Math.max(X(Math.max(w[0], from)), GUTTER), b = Math.min(X(Math.min(w[1], to)), width);
    pen.fillRect(a, y, Math.max(b - a, 0.5), h);
  }
}

// The task's name as far as there is room for it; most of a bar that waited is pale, too.
function drawName(t, pale, x, y, room) {
  const words = nameOf(t), wide = pen.measureText(words).width;
  const fits = Math.max(1, Math.floor(words.length * room / wide) - 1);
  pen.fillStyle = colour(pale || (t.w || []).some((w) => w[2]) ? "--fg" : "--bar-text");
  pen.fillText(wide > room ? words.slice(0, fits) + "\u2026" : words, x, y);
}

function drawBar(bar, x, w, y) {
  const t = tasks[bar.i], h = LANE - (LANE > 10 ? 3 : 1);
  const faint = state.match && !state.match[bar.i];
  const again = bar.n < t.t.length - 1;
  pen.globalAlpha = faint ? 0.15 : again ? 0.55 : 1;
  pen.fillStyle = again ? colour("--bad") : colourOf(t);
  pen.fillRect(x, y, w > 4 ? w - 1 : w, h);
  if (w > 3) drawWaits(t, bar.from, bar.to, y, h);
  pen.globalAlpha = faint ? 0.3 : 1;
  if (w > 36 && LANE > 10) drawName(t, again, x + 4, y + h / 2 + 0.5, w - 8);
  if (bar.i === state.chosen || bar.i === view.hover) {
    pen.globalAlpha = 1;
    pen.strokeStyle = colour(bar.i === state.chosen ? "--fg" : "--accent");
    pen.lineWidth = 2;
    pen.strokeRect(x, y, Math.max(w, 3), h);
    pen.lineWidth = 1;
  }
  view.drawn++;
}

function drawLane(l) {
  const y = Y(l), bars = lanes[l].bars;
  let covered = -1;
  for (let k = firstIn(bars, (b) => b.to > view.from); k < bars.length; k++) {
    const bar = bars[k], special = bar.i === state.chosen || bar.i === view.hover;
    if (bar.from > view.to) break;
    const x = Math.max(X(bar.from), GUTTER), end = Math.min(X(bar.to), width);
    if (end <= covered && !special) continue;
    const w = Math.max(end - x, 1);
    drawBar(bar, x, w, y);
    covered = Math.max(covered, x + w);
  }
  pen.globalAlpha = 1;
}

function drawLanes() {
  const first = Math.max(0, Math.floor(view.top / LANE));
  const last = Math.min(lanes.length, Math.ceil((view.top + height - TOP) / LANE));
  for (let l = first; l < last; l++) {
    drawLane(l);
    pen.fillStyle = colour("--soft");
    if (LANE > 10 || l % 3 === 0) pen.fillText(lanes[l].name, 6, Y(l) + LANE / 2 - 1);
  }
}

function arrow(x1, y1, x2, y2) {
  const bend = Math.max(12, Math.min(60, (x2 - x1) / 2));
  pen.beginPath();
  pen.moveTo(x1, y1);
  pen.bezierCurveTo(x1 + bend, y1, x2 - bend, y2, x2, y2);
  pen.lineTo(x2 - 5, y2 - 3);
  pen.moveTo(x2, y2);
  pen.lineTo(x2 - 5, y2 + 3);
  pen.stroke();
}

const inside = (y) => y >= TOP - 2 && y <= height;

// Is there something to see of the edge from the end of task i to the beginning of task j?
function inSight(i, j) {
  const a = lastBar(i), b = firstBar(j);
  if (!a || !b || b.from < view.from || a.to > view.to) return false;
  return inside(Y(a.lane) + LANE / 2) || inside(Y(b.lane) + LANE / 2);
}

function drawEdge(i, j) {
  const a = lastBar(i), b = firstBar(j), half = LANE / 2 - 1;
  if (inSight(i, j)) arrow(X(a.to), Y(a.lane) + half, X(b.from), Y(b.lane) + half);
}

// All edges, unless nobody could follow so many.
function drawAllEdges() {
  const seen = [];
  tasks.forEach((t, j) => (t.b || []).forEach((i) => { if (inSight(i, j)) seen.push([i, j]); }));
  view.edges = seen.length <= EDGES ? seen.length : 0;
  pen.strokeStyle = pen.fillStyle = colour("--soft");
  pen.globalAlpha = 0.55;
  if (view.edges) for (const [i, j] of seen) drawEdge(i, j);
  pen.globalAlpha = 1;
  if (seen.length <= EDGES) return;
  const words = seen.length + " dependencies: zoom in to see them";
  pen.fillText(words, width - pen.measureText(words).width - 8, height - 8);
}

function drawEdges() {
  view.edges = 0;
  if ($("edges").checked) drawAllEdges();
  pen.strokeStyle = colour("--accent");
  pen.lineWidth = 2;
  for (const k of [state.chosen, view.hover]) {
    if (k < 0) continue;
    (tasks[k].b || []).forEach((i) => drawEdge(i, k));
    dependents[k].slice(0, 300).forEach((j) => drawEdge(k, j));
  }
  pen.lineWidth = 1;
}

function drawCritical() {
  if (!$("critical").checked) return;
  let x0 = null, y0 = null;
  pen.strokeStyle = colour("--path");
  for (const piece of onPath) {
    const bar = barsOf[piece.i][Math.max(piece.n, 0)];
    if (!bar) continue;
    const y = Y(bar.lane) + LANE - 2;
    const x1 = X(piece.from), x2 = X(piece.to);
    pen.lineWidth = 1;
    pen.beginPath();
    if (x0 !== null) { pen.moveTo(x0, y0); pen.lineTo(x1, y); }
    pen.stroke();
    pen.lineWidth = 3;
    pen.beginPath();
    pen.moveTo(x1, y);
    pen.lineTo(Math.max(x2, x1 + 1), y);
    pen.stroke();
    x0 = x2;
    y0 = y;
  }
  pen.lineWidth = 1;
}

// When the chosen task was there and did not run.
function drawQueue() {
  const t = tasks[state.chosen], bar = t && firstBar(state.chosen);
  if (!bar || bar.from <= t.add) return;
  const y = Y(bar.lane) - 1;
  pen.setLineDash([2, 3]);
  pen.strokeStyle = colour("--fg");
  pen.beginPath();
  pen.moveTo(X(t.add), y);
  pen.lineTo(X(bar.from), y);
  pen.stroke();
  pen.setLineDash([]);
}

function render() {
  waiting = false;
  view.drawn = 0;
  pen.clearRect(0, 0, width, height);
  drawAxis();
  drawCurve();
  pen.save();
  pen.beginPath();
  pen.rect(0, TOP - 2, width, height);
  pen.clip();
  drawLanes();
  pen.beginPath();
  pen.rect(GUTTER, TOP - 2, width, height);
  pen.clip();
  drawEdges();
  drawCritical();
  drawQueue();
  pen.restore();
  drawPhases();
  view.frames++;
}
// -- Moving

function clampView() {
  const least = 20, span = Math.min(Math.max(view.to - view.from, least), wall * 1.02);
  const middle = (view.from + view.to) / 2;
  let from = middle - span / 2;
  from = Math.min(Math.max(from, -wall * 0.01), wall * 1.01 - span);
  view.from = from;
  view.to = from + span;
  view.top = Math.max(0, Math.min(view.top, lanes.length * LANE + 16 - (height - TOP)));
}

function zoom(factor, x) {
  const at = AT(x === undefined ? (GUTTER + width) / 2 : x);
  view.from = at - (at - view.from) * factor;
  view.to = at + (view.to - at) * factor;
  clampView();
  draw();
}

function move(part) {
  const by = (view.to - view.from) * part;
  view.from += by;
  view.to += by;
  clampView();
  draw();
}

function fit() {
  view.from = -wall * 0.002;
  view.to = wall * 1.005;
  view.top = 0;
  draw();
}

// Bring a task into sight.
function showTask(i) {
  const bar = firstBar(i), last = lastBar(i);
  if (!bar) return;
  const span = view.to - view.from;
  if (last.to < view.from + span * 0.02 || bar.from > view.to - span * 0.02) {
    const middle = (bar.from + Math.min(last.to, bar.from + span)) / 2;
    view.from = middle - span / 2;
    view.to = middle + span / 2;
  }
  const y = bar.lane * LANE, room = height - TOP;
  if (y < view.top) view.top = y;
  if (y + LANE > view.top + room) view.top = y + LANE - room;
  clampView();
}

// -- The mouse

function hit(x, y) {
  const lane = Math.floor((y - TOP + view.top) / LANE);
  if (x < GUTTER || y < TOP || lane < 0 || lane >= lanes.length) return -1;
  const bars = lanes[lane].bars, at = AT(x), near = AT(x + 3) - at;
  const k = firstIn(bars, (b) => b.from > at + near) - 1;
  return k >= 0 && bars[k].to >= at - near ? bars[k].i : -1;
}

function showTip(i, x, y) {
  const tip = $("tip"), t = tasks[i];
  tip.hidden = !t;
  if (!t) return;
  const said = t.e || t.o || t.ac || "";
  tip.replaceChildren(make("b", nameOf(t)),
    make("div", [t.id, t.a, t.s + (t.ek ? " (" + t.ek + ")" : "")].filter((w) => w)
      .join(" \u2013 ")),
    make("div", time(t.own) + (t.t ? ", from " + time(t.t[0][0]) : "") +
      (t.q ? ", queued " + time(queued(t)) : "")),
    ...(t.at ? [make("div", t.at, {class: "soft"})] : []),
    ...(said ? [make("div", said.slice(0, 160) + (said.length > 160 ? "\u2026" : ""),
      {class: t.e ? "failed" : "soft"})] : []));
  tip.style.left = Math.max(4, Math.min(x + 14, width - tip.offsetWidth - 6)) + "px";
  tip.style.top = (y + 16 + tip.offsetHeight > height ? Math.max(2, y - tip.offsetHeight - 10)
    : y + 16) + "px";
}

let drag = null;
canvas.addEventListener("pointerdown", (e) => {
  drag = {x: e.offsetX, y: e.offsetY, from: view.from, to: view.to, top: view.top, moved: false};
  canvas.setPointerCapture(e.pointerId);
});
canvas.addEventListener("pointermove", (e) => {
  if (drag && (drag.moved || Math.abs(e.offsetX - drag.x) + Math.abs(e.offsetY - drag.y) > 4)) {
    const by = (e.offsetX - drag.x) / (width - GUTTER) * (drag.to - drag.from);
    drag.moved = true;
    view.from = drag.from - by;
    view.to = drag.to - by;
    view.top = drag.top - (e.offsetY - drag.y);
    clampView();
    draw();
    return;
  }
  const i = hit(e.offsetX, e.offsetY);
  if (i !== view.hover) {
    view.hover = i;
    canvas.style.cursor = i < 0 ? "default" : "pointer";
    draw();
  }
  showTip(i, e.offsetX, e.offsetY);
});
canvas.addEventListener("pointerup", (e) => {
  if (drag && !drag.moved) choose(hit(e.offsetX, e.offsetY), false);
  drag = null;
});
canvas.addEventListener("pointercancel", () => { drag = null; });
canvas.addEventListener("pointerleave", () => {
  view.hover = -1;
  $("tip").hidden = true;
  draw();
});
canvas.addEventListener("wheel", (e) => {
  const deep = lanes.length * LANE + 16 > height - TOP;
  if (e.ctrlKey || e.metaKey)
    zoom(Math.exp(Math.max(-60, Math.min(60, e.deltaY)) / 200), e.offsetX);
  else if (e.shiftKey || Math.abs(e.deltaX) > Math.abs(e.deltaY))
    move((e.deltaX || e.deltaY) / (width - GUTTER));
  else if (deep) { view.top += e.deltaY; clampView(); draw(); }
  else return;
  e.preventDefault();
}, {passive: false});

// -- The keyboard

// The neighbour of the chosen task in its lane, or the task nearest in time in the lane that
// is so many further.
function step(along, across) {
  const bar = firstBar(state.chosen);
  if (!bar) return choose(lanes.length ? lanes[0].bars[0].i : -1, true);
  if (along) {
    const bars = lanes[bar.lane].bars, k = bars.indexOf(bar) + along;
    if (bars[k]) choose(bars[k].i, true);
    return;
  }
  const lane = lanes[bar.lane + across];
  if (!lane) return;
  const middle = (bar.from + bar.to) / 2, k = firstIn(lane.bars, (b) => b.from > middle);
  const near = [lane.bars[k - 1], lane.bars[k]].filter((b) => b);
  const far = (b) => Math.max(b.from - middle, middle - b.to, 0);
  near.sort((a, b) => far(a) - far(b));
  choose(near[0].i, true);
}

const chosen = () => tasks[state.chosen] || {};
const KEYS = {
  ArrowLeft: () => step(-1, 0), ArrowRight: () => step(1, 0),
  ArrowUp: () => step(0, -1), ArrowDown: () => step(0, 1),
  "+": () => zoom(1 / 1.5), "=": () => zoom(1 / 1.5), "-": () => zoom(1.5), "0": fit,
  "[": () => move(-0.25), "]": () => move(0.25),
  b: () => { const b = chosen().b; if (b) choose(b[b.length - 1], true); },
  d: () => { const d = dependents[state.chosen]; if (d && d.length) choose(d[0], true); },
  p: () => { if (chosen().p !== undefined) choose(chosen().p, true); },
  Escape: () => choose(-1, false),
};
canvas.addEventListener("keydown", (e) => {
  if (e.ctrlKey || e.metaKey || e.altKey || !KEYS[e.key]) return;
  KEYS[e.key]();
  e.preventDefault();
});

document.addEventListener("keydown", (e) => {
  const writing = /^(INPUT|SELECT|TEXTAREA)$/.test(e.target.tagName);
  if (e.ctrlKey || e.metaKey || e.altKey) return;
  if (writing) {
    if (e.target.id !== "search") return;
    if (e.key === "Escape") { e.target.value = state.query = ""; search(); canvas.focus(); }
    else if (e.key === "Enter") { search(); nextMatch(e.shiftKey ? -1 : 1); canvas.focus(); }
    else return;
  } else if (e.key === "/") $("search").focus();
  else if (e.key === "n" || e.key === "N") nextMatch(e.key === "n" ? 1 : -1);
  else return;
  e.preventDefault();
});

// Rows are gone through with the arrows, too.
$("rows").addEventListener("keydown", (e) => {
  const by = {ArrowDown: 1, ArrowUp: -1, PageDown: 12, PageUp: -12}[e.key];
  if (!by || e.target !== $("rows")) return;
  const at = order.indexOf(state.chosen);
  const k = at < 0 ? 0 : Math.min(Math.max(at + by, 0), order.length - 1);
  if (order.length) choose(order[k], true);
  e.preventDefault();
});
$("body").addEventListener("click", (e) => {
  const row = e.target.closest("tr[data-i]");
  if (row) choose(Number(row.dataset.i), true);
});

// -- The beginning

function begin() {
  showHead();
  showFailures();
  showFindings();
  showParts();
  showPath();
  showTables();
  showHeads();
  for (const s of [...new Set(tasks.map((t) => t.s))].sort())
    put($("status"), make("option", s, {value: s}));
  let soon = 0;
  $("search").addEventListener("input", (e) => {
    state.query = e.target.value;
    clearTimeout(soon);
    soon = setTimeout(search, 120);
  });
  $("status").addEventListener("change", (e) => { state.status = e.target.value; search(); });
  for (const id of ["colour", "critical", "edges"]) $(id).addEventListener("change", draw);
  $("in").addEventListener("click", () => zoom(1 / 1.5));
  $("out").addEventListener("click", () => zoom(1.5));
  $("fit").addEventListener("click", fit);
  $("rows").addEventListener("scroll", () => requestAnimationFrame(showRows));
  small.addEventListener("change", () => { showHeads(); arrange(); });
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", () => { colours = null; draw(); });
  new ResizeObserver(resize).observe($("stage"));
  fit();
  arrange();
  window.orunReport = {view, state, tasks, lanes, barsOf, X, Y, LANE, draw};
}
begin();
})();
