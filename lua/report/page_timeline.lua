--- orun.report.page_timeline: the timeline on the page of a run: what of report/page.js draws.
--
-- A lane is a slot that was used again and again; in it stand attempts of tasks as bars. What
-- is seen is drawn, at most once a frame; times are microseconds, places are pixels.

return [==[
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
const STATUS = {completed: "--ok", failed: "--bad", cancelled: "--gone"};

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
]==]
