/* elements.js — what the checks in the page share; it goes before their code.
 *
 * `found` is what a check returns: an array of {issue, where, severity}. `where` is a selector by
 * which a developer finds the element.
 */
const found = [];
const root = document.documentElement;

function where(e) {
  if (e.id) return e.localName + "#" + e.id;
  const name = e.localName + [...e.classList].map((c) => "." + c).join("");
  const up = e.parentElement;
  return up && up !== document.body && up !== root ? where(up) + " > " + name : name;
}

function add(severity, issue, e) { found.push({issue, where: e ? where(e) : "", severity}); }

function shown(e) { return e.checkVisibility({opacityProperty: true, visibilityProperty: true}); }

function ownText(e) {
  return [...e.childNodes].filter((n) => n.nodeType === 3).map((n) => n.data).join("").trim();
}
