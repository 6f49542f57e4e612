--- orun.report.page_css: what of the page of a run (report/html.lua) is the same for all runs.

local M = {}

local STYLE <const> = [==[
:root {
  color-scheme: light dark;
  --bg: #ffffff; --fg: #1c2128; --soft: #5f6875; --line: #dde1e7; --panel: #f5f7f9;
  --accent: #2f5fd0; --path: #d9480f; --grid: #e9ecf0; --mark: #fff3bf;
  --ok: #3f8f63; --bad: #d6336c; --gone: #9aa3ae; --open: #1c7ed6; --bar-text: #ffffff;
  --item: #8a63d2;
  --c0: #4477aa; --c1: #228833; --c2: #aa7700; --c3: #aa3377; --c4: #2a9db0; --c5: #8866cc;
  --c6: #cc5533; --c7: #667788;
}
@media (prefers-color-scheme: dark) {
  :root {
    --bg: #14171b; --fg: #e3e7ec; --soft: #9aa5b1; --line: #2f363f; --panel: #1c2127;
    --accent: #7aa5ff; --path: #ff9f5a; --grid: #262c33; --mark: #4a4220;
    --ok: #4fae7b; --bad: #ff6f9c; --gone: #6b7581; --open: #5ab0ff; --bar-text: #0d1114;
    --item: #b197fc; --c0: #77aadd; --c1: #55bb66; --c2: #ddaa33; --c3: #dd77aa; --c4: #55c5d8;
    --c5: #b197fc; --c6: #ff8866; --c7: #99aabb;
  }
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
body {
  margin: 0 auto; padding: 20px 24px 60px; max-width: 1500px; background: var(--bg);
  color: var(--fg); font: 14px/1.45 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif;
}
h1 { font-size: 22px; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 15px; margin: 28px 0 8px; }
p { margin: 2px 0; }
.soft, caption { color: var(--soft); }
.tiles { display: grid; gap: 10px; margin: 16px 0;
  grid-template-columns: repeat(auto-fit, minmax(136px, 1fr)); }
.tile { background: var(--panel); border: 1px solid var(--line); border-radius: 8px;
  padding: 10px 12px; }
.tile b { display: block; font-size: 20px; font-weight: 600; }
.tile span { color: var(--soft); font-size: 12px; }
#parts { display: flex; height: 22px; border-radius: 6px; overflow: hidden; gap: 1px;
  background: var(--line); }
#parts div { min-width: 2px; }
ul.legend { list-style: none; margin: 8px 0; padding: 0; display: flex; flex-wrap: wrap;
  gap: 4px 18px; }
.legend i { display: inline-block; width: 10px; height: 10px; border-radius: 2px;
  margin-right: 6px; }
.tools { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; margin: 8px 0; }
input, select, button { font: inherit; color: inherit; background: var(--panel);
  border: 1px solid var(--line); border-radius: 6px; padding: 4px 9px; }
input[type=search] { width: 260px; max-width: 100%; }
button { cursor: pointer; }
button:hover { border-color: var(--accent); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
#stage { position: relative; border: 1px solid var(--line); border-radius: 8px; overflow: hidden; }
#chart { display: block; width: 100%; height: 420px; cursor: default; touch-action: none; }
#chart:focus-visible { outline-offset: -2px; }
#tip { position: absolute; max-width: 380px; background: var(--bg); border: 1px solid var(--line);
  border-radius: 6px; box-shadow: 0 3px 14px #0004; padding: 6px 10px; pointer-events: none;
  font-size: 12px; z-index: 2; overflow-wrap: anywhere; }
#tip b { display: block; }
kbd { border: 1px solid var(--line); border-radius: 4px; padding: 0 5px; font: 11px monospace;
  background: var(--panel); }
#keys { font-size: 12px; margin: 6px 2px; }
#detail { display: grid; grid-template-columns: minmax(240px, 420px) 1fr; gap: 16px;
  background: var(--panel); border: 1px solid var(--line); border-radius: 8px; padding: 12px 16px;
  margin-top: 10px; }
#detail h3 { margin: 0 0 6px; font-size: 15px; grid-column: 1 / -1; overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 2px 12px; margin: 0; }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; }
pre { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; max-height: 320px; overflow: auto;
  font: 12px/1.4 ui-monospace, "DejaVu Sans Mono", monospace; }
.scroll { overflow: auto; border: 1px solid var(--line); border-radius: 8px; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
#rows table { table-layout: fixed; min-width: 900px; }
#rows.narrow table { min-width: 0; }
#agents td:first-child, #limits td:first-child { max-width: 220px; }
th, td { text-align: left; padding: 2px 10px; white-space: nowrap; overflow: hidden;
  text-overflow: ellipsis; height: 24px; line-height: 20px; }
th { position: sticky; top: 0; background: var(--panel); font-weight: 600; z-index: 1;
  box-shadow: inset 0 -1px var(--line); }
th button { all: unset; cursor: pointer; display: block; width: 100%; overflow: hidden;
  text-overflow: ellipsis; }
th button:focus-visible { outline: 2px solid var(--accent); }
th[aria-sort=ascending] button::after { content: " \25b2"; font-size: 9px; }
th[aria-sort=descending] button::after { content: " \25bc"; font-size: 9px; }
.n { text-align: right; }
tbody tr[data-i] { cursor: pointer; }
tbody tr[data-i]:hover { background: var(--panel); }
tbody tr.chosen { background: var(--mark); }
tr.pad td { padding: 0; height: 0; }
.failed { color: var(--bad); }
.finding { border-left: 4px solid var(--path); background: var(--panel); padding: 8px 14px;
  border-radius: 0 8px 8px 0; margin: 8px 0; }
.finding pre { margin-top: 6px; }
.finding p { overflow-wrap: anywhere; }
#failures .finding { border-left-color: var(--bad); padding: 5px 14px; margin: 5px 0; }
#failures pre { max-height: 54px; margin-top: 2px; }
.link { all: unset; vertical-align: top; cursor: pointer; color: var(--accent); }
.link:hover { text-decoration: underline; }
.link:focus-visible { outline: 2px solid var(--accent); }
ol.path { margin: 0; padding-left: 28px; columns: 2 420px; }
@media (max-width: 760px) {
  body { padding: 12px; }
  h2 { margin-top: 18px; }
  #detail { grid-template-columns: 1fr; }
  .tiles { gap: 6px; margin: 10px 0; grid-template-columns: repeat(auto-fit, minmax(104px, 1fr)); }
  .tile { padding: 5px 8px; }
  .tile b { font-size: 16px; }
  .tile span { font-size: 11px; line-height: 1.25; display: block; }
  th, td { padding: 2px 6px; }
}
]==]

local BODY <const> = [==[
<header>
<h1 id="title"></h1>
<p id="sub" class="soft"></p>
</header>
<section class="tiles" id="tiles" aria-label="Figures"></section>
<section id="failures" hidden><h2>What failed, and why</h2></section>
<section aria-label="Timeline">
<h2>Timeline</h2>
<div class="tools">
<input type="search" id="search" placeholder="Search tasks" aria-label="Search tasks">
<select id="status" aria-label="Status"><option value="">any status</option></select>
<select id="colour" aria-label="Colours by">
<option value="s">colours: status</option><option value="a">colours: agent</option>
<option value="ph">colours: phase</option></select>
<button id="out" aria-label="Zoom out">&minus;</button>
<button id="in" aria-label="Zoom in">+</button>
<button id="fit">Fit</button>
<label><input type="checkbox" id="critical" checked> critical path</label>
<label><input type="checkbox" id="edges" checked> dependencies</label>
<span class="soft" id="found" role="status"></span>
</div>
<div id="stage">
<canvas id="chart" tabindex="0" role="application"
 aria-label="Timeline of tasks: arrow keys go from task to task"></canvas>
<div id="tip" role="tooltip" hidden></div>
</div>
<p id="keys" class="soft"><kbd>&larr;</kbd> <kbd>&rarr;</kbd> <kbd>&uarr;</kbd> <kbd>&darr;</kbd>
task to task &ensp; <kbd>b</kbd> blocker, <kbd>d</kbd> dependent, <kbd>p</kbd> parent &ensp;
<kbd>+</kbd> <kbd>-</kbd> <kbd>0</kbd> zoom &ensp; <kbd>[</kbd> <kbd>]</kbd> move &ensp;
<kbd>/</kbd> search, <kbd>n</kbd> <kbd>N</kbd> next match &ensp; <kbd>Esc</kbd> nothing chosen
&ensp; mouse: drag to move, <kbd>Ctrl</kbd> and wheel to zoom</p>
<div id="detail" aria-live="polite" hidden></div>
</section>
<section id="findings" hidden><h2>What to do better</h2></section>
<section>
<h2>Where the time of the critical path went</h2>
<div id="parts" role="img" aria-label="Parts of the run's time"></div>
<ul class="legend" id="legend"></ul>
<ul class="soft" id="barriers"></ul>
</section>
<section>
<h2 id="count">Tasks</h2>
<div class="scroll" id="rows" tabindex="0" role="region" aria-labelledby="count">
<table><thead><tr id="heads"></tr></thead><tbody id="body"></tbody></table></div>
</section>
<section><h2>Critical path</h2><ol class="path" id="path"></ol></section>
<section><h2>By agent type</h2><div class="scroll"><table id="agents"></table></div></section>
<section><h2>Slots</h2><div class="scroll"><table id="limits"></table></div></section>
]==]

M.head = table.concat{[[
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; base-uri 'none';
 form-action 'none'; script-src 'nonce-orun'; style-src 'unsafe-inline'">
<title>orun report</title>
<style>
]], STYLE, "</style>\n</head>\n<body>\n", BODY}

return M
