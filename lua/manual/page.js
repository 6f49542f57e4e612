/* page.js — the search of the manual. */
"use strict";
// The search: sections that have all words stay, and so do their lines in the list.
(function () {
  const box = document.querySelector("nav input");
  const told = document.querySelector("nav output");
  const sections = Array.from(document.querySelectorAll("main section"), function (section) {
    return { section, text: section.textContent.toLowerCase(),
      line: document.querySelector('nav li[data-of="' + section.id + '"]') };
  });
  function search() {
    const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const one of sections) {
      const has = words.every(function (word) { return one.text.includes(word); });
      one.section.hidden = one.line.hidden = !has;
      count += has;
    }
    told.textContent = words.length ? count + (count === 1 ? " section" : " sections") : "";
  }
  box.addEventListener("input", search);
  document.addEventListener("keydown", function (event) {
    if (event.key === "/" && document.activeElement !== box) {
      event.preventDefault();
      box.focus();
    } else if (event.key === "Escape") {
      box.value = "";
      search();
    }
  });
  // A link to a section that the search has hidden shows all of them again.
  window.addEventListener("hashchange", function () {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target && target.hidden) {
      box.value = "";
      search();
      target.scrollIntoView();
    }
  });
})();
