/* accessibility.js — what keeps people from using a page; the body of a function.
 *
 * Goes behind elements.js and returns its `found`. Contrast is that of WCAG 2: 4.5
 * for text, 3 for large text. Text over a picture is passed over: its contrast is not known.
 */

function hidden(e) { return e.closest("[aria-hidden=true], [inert]") !== null; }

// The name that a screen reader says.
function nameOf(e) {
  const by = (e.getAttribute("aria-labelledby") || "").split(/\s+/).filter(Boolean)
    .map((id) => document.getElementById(id)?.textContent || "").join(" ");
  const inner = [...e.querySelectorAll("img[alt], [aria-label], svg title")]
    .map((i) => i.getAttribute("alt") || i.getAttribute("aria-label") || i.textContent).join(" ");
  const labels = [...(e.labels || [])].map((l) => l.textContent).join(" ");
  return [by, e.getAttribute("aria-label"), labels, e.textContent, inner, e.getAttribute("title"),
          e.getAttribute("alt")].map((s) => (s || "").trim()).find(Boolean) || "";
}

// ---- contrast ----

const pixel = document.createElement("canvas").getContext("2d", {willReadFrequently: true});

// Any color as CSS has them, as [red, green, blue, alpha] of 0 to 255, alpha of 0 to 1.
function colorOf(text) {
  pixel.clearRect(0, 0, 1, 1);
  pixel.fillStyle = text;
  pixel.fillRect(0, 0, 1, 1);
  const [r, g, b, a] = pixel.getImageData(0, 0, 1, 1).data;
  return [r, g, b, a / 255];
}

function over(top, below) {
  return [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
}

// What is behind an element; null where that is a picture.
function behind(e) {
  const layers = [];
  for (let at = e; at; at = at.parentElement) {
    const style = getComputedStyle(at);
    if (style.backgroundImage !== "none") return null;
    const color = colorOf(style.backgroundColor);
    if (color[3] > 0) layers.push(color);
    if (color[3] === 1) break;
  }
  return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255, 1]);
}

function light([r, g, b]) {
  const [x, y, z] = [r, g, b].map((c) => c / 255)
    .map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  return 0.2126 * x + 0.7152 * y + 0.0722 * z;
}

function lookAtContrast(e) {
  const style = getComputedStyle(e), back = behind(e);
  if (!back || e.disabled) return;
  const [a, b] = [light(over(colorOf(style.color), back)), light(back)];
  const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  const size = parseFloat(style.fontSize), bold = parseInt(style.fontWeight, 10) >= 700;
  const needed = size >= 24 || (bold && size >= 18.66) ? 3 : 4.5;
  if (ratio < needed - 0.005) {
    add("error", `its contrast is ${ratio.toFixed(2)}, and ${needed} is the least`, e);
  }
}

// ---- elements ----

function lookAtHeadings() {
  let before = 0;
  for (const e of document.querySelectorAll("h1, h2, h3, h4, h5, h6")) {
    const level = Number(e.localName[1]);
    if (!shown(e) || hidden(e)) continue;
    if (!nameOf(e)) add("warning", "a heading is empty", e);
    if (before && level > before + 1) add("warning", `h${level} comes after h${before}`, e);
    before = level;
  }
}

function lookAt(e) {
  const role = e.getAttribute("role"), type = e.getAttribute("type") || "";
  if (e.localName === "img" && !e.hasAttribute("alt") && !/^(none|presentation)$/.test(role) &&
      !nameOf(e)) {
    add("error", "an image has no alt text", e);
  }
  if (/^(input|select|textarea)$/.test(e.localName)) {
    const ready = /^(hidden|submit|reset)$/.test(type);
    const name = type === "button" ? e.value : nameOf(e);
    if (!ready && !name) add("error", "a field has no label", e);
  }
  if (e.localName === "button" || role === "button") {
    if (!nameOf(e)) add("error", "a button has no name", e);
  }
  if (e.localName === "a" && e.href && !nameOf(e)) add("error", "a link has no name", e);
  if (e.localName === "iframe" && !nameOf(e)) add("warning", "a frame has no title", e);
  if (e.tabIndex > 0) add("warning", "its tabindex is above 0: the order of keys jumps", e);
  if (ownText(e) && !/^(script|style|noscript|option)$/.test(e.localName)) lookAtContrast(e);
}

if (!root.lang) add("error", "<html> has no lang");
if (!document.title.trim()) add("error", "the page has no title");
const zoom = document.querySelector("meta[name=viewport]")?.content || "";
if (/user-scalable\s*=\s*(no|0)|maximum-scale\s*=\s*1(\.0*)?\s*(,|$)/.test(zoom)) {
  add("error", "the page cannot be made larger (meta viewport)");
}
lookAtHeadings();
for (const e of document.body?.querySelectorAll("*") || []) {
  if (shown(e) && !hidden(e)) lookAt(e);
}
return found;
