const data = JSON.parse(document.getElementById("data").textContent);
const fig = data.figures, tasks = data.tasks, wall = Math.max(fig.wall * 1e6, 1);
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

// As figures.lua writes numbers.
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
    const t = tasks[i], told = (t.e || "").replace(/\nstack traceback:[^]*/, "");
    const why = told || t.ek || "no reason was told";
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
  const told = (n) => n ? count(n) : ""; // programs that are no agents have none
  const any = fig.agents.some((a) => a.input || a.output), paid = fig.agents.some((a) => a.cost);
  const heads = ["agent", "tasks", "failed", "time", "longest",
    ...(any ? ["tokens in", "tokens out"] : []), ...(paid ? ["cost"] : [])];
  showTable("agents", heads, fig.agents.map((a) => [a.agent, a.tasks, a.failed,
    time(a.seconds * 1e6), time(a.longest * 1e6), ...(any ? [told(a.input), told(a.output)]
    : []), ...(paid ? [a.cost ? money(a.cost) : ""] : [])]));
  showTable("limits", ["limit", "slots", "used at once", "of them used"], fig.limits.map((l) =>
    [l.name, l.slots, l.peak, percent(l.work / l.slots / Math.max(fig.wall, 1e-9))]));
}

// -- The table of tasks: rows that are seen are there, the others are space

const ROW = 24, ROWS = 18; // pixels of a row; how many there is room for
const ALL = [ // field, heading, width, what is shown, what is sorted by; right: figures
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
