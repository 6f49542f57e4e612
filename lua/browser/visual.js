/* visual.js — what looks wrong in a page at its present size; the body of a function.
 *
 * Goes behind elements.js and returns its `found`. Nothing in the page is changed.
 */

// The innermost element that reaches beyond the window.
function widest() {
  let most = null, reach = innerWidth + 1;
  for (const e of document.body.querySelectorAll("*")) {
    const right = e.getBoundingClientRect().right;
    if (shown(e) && right >= reach) [most, reach] = [e, right];
  }
  return most;
}

function lookAtImage(e) {
  if (!e.complete || !e.currentSrc) return;
  if (!e.naturalWidth) return add("error", "an image is not shown: " + e.currentSrc, e);
  const ratio = (e.clientWidth / e.clientHeight) / (e.naturalWidth / e.naturalHeight);
  const fit = getComputedStyle(e).objectFit;
  if (e.clientWidth > 1 && e.clientHeight > 1 && fit === "fill" && (ratio > 1.1 || ratio < 0.9)) {
    add("warning", `an image is stretched: ${e.naturalWidth}x${e.naturalHeight} drawn as ` +
      `${e.clientWidth}x${e.clientHeight}`, e);
  }
}

// Text that is cut off, or that something else lies on.
function lookAtText(e) {
  const style = getComputedStyle(e);
  if (e.clientWidth > 1 && e.clientHeight > 1) { // less is how text is kept for screen readers
    const cutX = style.overflowX === "hidden" && style.textOverflow !== "ellipsis" &&
      e.scrollWidth > e.clientWidth + 1;
    const cutY = style.overflowY === "hidden" && style.webkitLineClamp === "none" &&
      e.scrollHeight > e.clientHeight + 2;
    if (cutX || cutY) add("error", "its text is cut off", e);
  }
  const size = parseFloat(style.fontSize);
  if (size < 9) add("warning", `its text is ${size} pixels high`, e);
  const range = document.createRange();
  range.selectNodeContents(e);
  const box = range.getClientRects()[0];
  if (!box) return;
  const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
  if (x < 0 || y < 0 || x >= innerWidth || y >= innerHeight) return;
  const top = document.elementFromPoint(x, y);
  if (!top || top.contains(e) || e.contains(top) || style.pointerEvents === "none") return;
  const label = top.closest("label");
  if (!label || !label.contains(e)) add("error", "its text is covered by " + where(top), e);
}

if (!document.body) {
  add("error", "there is no body");
} else {
  const parts = [...document.body.querySelectorAll("*")].filter(shown);
  const seen = "img, svg, canvas, video, iframe, input, object, embed";
  if (!document.body.innerText.trim() && !parts.some((e) => e.matches(seen))) {
    add("error", "the page shows nothing");
  }
  if (root.scrollWidth > innerWidth + 1) {
    add("error", "it is wider than the window, and scrolls sideways", widest());
  }
  if (!document.querySelector("meta[name=viewport]")) {
    add("warning", "there is no <meta name=viewport>: telephones show it as a small picture");
  }
  for (const e of parts) {
    if (e.localName === "img") lookAtImage(e);
    if (ownText(e) && !/^(script|style|noscript|option)$/.test(e.localName)) lookAtText(e);
  }
}
return found;
