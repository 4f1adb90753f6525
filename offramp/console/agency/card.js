/* Keep the card for a phone without a network. This file is the page's script, which starts the
   worker, and the worker itself. The worker asks the console first, and answers with the card that it
   kept only where the console doesn't answer. It sees `/card/` alone. */
"use strict";
const CARD = "/card/", WORKER = "/card/card.js", KEPT = "card", PATIENCE = 4000;

async function newest() {
  const stop = new AbortController();
  const late = setTimeout(() => stop.abort(), PATIENCE);
  try {
    const asked = { cache: "no-cache", credentials: "omit", signal: stop.signal };
    const answer = await fetch(CARD, asked);
    if (answer.ok && !answer.redirected) await (await caches.open(KEPT)).put(CARD, answer.clone());
    return answer;
  } finally {
    clearTimeout(late);
  }
}

async function newestOrKept() {
  try {
    return await newest();
  } catch (away) {
    const kept = await (await caches.open(KEPT)).match(CARD);
    if (kept) return kept;
    throw away;
  }
}

if (self.document) {
  if (navigator.serviceWorker && self.trustedTypes) {
    const own = trustedTypes.createPolicy("card", { createScriptURL: () => WORKER });
    navigator.serviceWorker.register(own.createScriptURL(""), { scope: CARD }).catch(() => {});
  } else if (navigator.serviceWorker) {
    navigator.serviceWorker.register(WORKER, { scope: CARD }).catch(() => {});
  }
} else {
  self.addEventListener("install", (event) => event.waitUntil(newest().then(() => self.skipWaiting())));
  self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
  self.addEventListener("fetch", (event) => {
    if (event.request.mode === "navigate") event.respondWith(newestOrKept());
  });
}
