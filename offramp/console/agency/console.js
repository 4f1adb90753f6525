// Locks the page after a time without a key or a touch. Without it, the server locks at the next
// request. Nothing of a page is kept in the browser.
"use strict";
(() => {
  const button = document.querySelector("button.lock");
  const minutes = Number(document.documentElement.dataset.idle);
  if (!button || !minutes) return;
  let last = Date.now();
  for (const kind of ["keydown", "pointerdown", "scroll"])
    addEventListener(kind, () => { last = Date.now(); }, { passive: true });
  setInterval(() => { if (Date.now() - last > minutes * 60000) button.click(); }, 5000);
})();
