--- orun.report.page_input: the mouse and the keyboard on the page of a run, and its beginning.
--
-- The last piece of its script, after report/page_timeline.lua.

return [==[
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
]==]
