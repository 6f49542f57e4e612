/* page.js — the search of the manual. */
"use strict";
// The search: sections that have all words stay, and so do their lines in the list.
// In a narrow window the list stands above the text, and is folded unless it has something to show.
(function () {
  const box = document.querySelector("nav input");
  const told = document.querySelector("nav output");
  const sections = Array.from(document.querySelectorAll("main section"), function (section) {
    return { section, text: section.textContent.toLowerCase(),
      line: document.querySelector('nav li[data-of="' + section.id + '"]') };
  });
  const parts = Array.from(document.querySelectorAll("nav details"));
  const narrow = window.matchMedia("(max-width: 899px)");
  function search() {
    const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const one of sections) {
      const has = words.every(function (word) { return one.text.includes(word); });
      one.section.hidden = one.line.hidden = !has;
      count += has;
    }
    for (const part of parts) {
      part.hidden = !part.querySelector("li:not([hidden])");
      part.open = words.length > 0 || !narrow.matches;
    }
    told.textContent = words.length ? count + (count === 1 ? " section" : " sections") : "";
  }
  box.addEventListener("input", search);
  narrow.addEventListener("change", search);
  search();
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
