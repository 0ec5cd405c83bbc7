/* The theme's script adds a landmark to every block of code, without a name, and blocks that only a mouse can scroll. */
(() => {
  const improve = () => {
    document.querySelectorAll(".md-code__nav").forEach((nav, n) => nav.setAttribute("aria-label", `Code block ${n + 1}`));
    document.querySelectorAll("pre > code, .md-typeset__scrollwrap").forEach((block) => block.setAttribute("tabindex", "0"));
  };
  addEventListener("DOMContentLoaded", () => {
    improve();
    new MutationObserver(improve).observe(document.body, { childList: true, subtree: true });
  });
})();
