// Locks the page after a time without a key or a touch, keeps a form on the screen while there is no
// network, asks the browser for passkeys, and takes a signature that is drawn. Without it, the server
// locks at the next request, people reload a form that didn't arrive, sign in with password and code,
// and sign by name or on paper. Nothing of a page is kept in the browser.
"use strict";
(() => {
  const lock = document.querySelector("button.lock");
  const minutes = Number(document.documentElement.dataset.idle);
  if (lock && minutes) {
    let last = Date.now();
    const warning = document.getElementById("idle");
    let told = last;
    const stay = () => {
      last = Date.now();
      warning.hidden = true;
      if (last - told < minutes * 15000) return;
      told = last;
      fetch("/here").catch(() => {});
    };
    for (const kind of ["keydown", "pointerdown", "scroll"])
      addEventListener(kind, stay, { passive: true });
    setInterval(() => {
      const left = minutes * 60000 - (Date.now() - last);
      warning.hidden = left > 60000;
      if (left < 0) lock.click();
    }, 5000);
  }

  // A page that the browser kept may be another person's by now, or locked: ask for it again.
  addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });
  if (lock && !("handed" in document.documentElement.dataset))
    document.addEventListener("visibilitychange", async () => {
      if (document.visibilityState !== "visible") return;
      const answer = await fetch("/here").catch(() => null);
      if (answer && answer.status === 205) location.reload();
    });

  // A form that is sent without a network is replaced by the browser's own page of errors. So ask
  // first whether the console answers. The form keeps its id, and so it is taken once.
  const away = document.getElementById("away");
  if (away) {
    let isAsking = false;
    let isAnswered = false;
    addEventListener("offline", () => { away.hidden = false; });
    addEventListener("online", () => { away.hidden = true; });
    document.addEventListener("submit", async (event) => {
      const form = event.target;
      const button = event.submitter;
      // Without a network, the page that is locked must go from the screen, too.
      if (isAnswered || event.defaultPrevented || form.method !== "post" || button === lock) return;
      event.preventDefault();
      if (isAsking) return;
      isAsking = true;
      const answer = await fetch("/here", { signal: AbortSignal.timeout(5000) }).catch(() => null);
      isAsking = false;
      away.hidden = Boolean(answer);
      if (answer) {
        isAnswered = true;
        form.requestSubmit(button);
        isAnswered = false;
      } else {
        (button?.closest(".dock, p") ?? button ?? form).before(away);
        away.scrollIntoView({ block: "center" });
      }
    });
  }

  // A signature: the lines that a finger draws, as whole numbers within the drawing.
  for (const pad of document.querySelectorAll("[data-pad]")) {
    const drawing = pad.querySelector("svg");
    const path = pad.querySelector("path");
    const field = pad.querySelector("input");
    const box = drawing.viewBox.baseVal;
    let last = null;
    let isBegun = false;
    pad.hidden = false;
    const at = (event) => {
      const place = drawing.getBoundingClientRect();
      const x = Math.round(((event.clientX - place.x) / place.width) * box.width);
      const y = Math.round(((event.clientY - place.y) / place.height) * box.height);
      return `${Math.min(Math.max(x, 0), box.width)} ${Math.min(Math.max(y, 0), box.height)}`;
    };
    const put = (lines) => {
      field.value = lines;
      path.setAttribute("d", lines);
    };
    drawing.addEventListener("pointerdown", (event) => {
      drawing.setPointerCapture(event.pointerId);
      last = at(event);
      isBegun = false;
    });
    drawing.addEventListener("pointermove", (event) => {
      if (last === null || field.value.length > 16000) return;
      const to = at(event);
      if (to === last) return;
      put(field.value + (isBegun ? `L${to}` : `M${last}L${to}`));
      last = to;
      isBegun = true;
    });
    for (const kind of ["pointerup", "pointercancel"])
      drawing.addEventListener(kind, () => { last = null; });
    pad.querySelector("button").addEventListener("click", () => put(""));
  }

  const bytes = (text) => Uint8Array.from(
    atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const readable = (listed) => (listed || []).map((each) => ({ ...each, id: bytes(each.id) }));

  const answerOf = (made) => {
    const response = {};
    for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature",
      "userHandle"])
      if (made.response[name]) response[name] = text(made.response[name]);
    return JSON.stringify({ id: made.id, rawId: text(made.rawId), type: made.type, response });
  };

  for (const form of document.querySelectorAll("form[data-passkey]")) {
    if (!window.PublicKeyCredential) continue;
    const options = JSON.parse(form.dataset.passkey);
    const credential = form.elements.namedItem("credential");
    form.hidden = false;
    const instead = form.querySelector("[data-without-passkey]");
    if (instead) instead.hidden = true;
    form.addEventListener("submit", async (event) => {
      if (credential.value || (instead && !instead.hidden)) return;
      event.preventDefault();
      options.challenge = typeof options.challenge === "string"
        ? bytes(options.challenge) : options.challenge;
      try {
        let made;
        if (options.user) {
          const user = { ...options.user, id: bytes(options.user.id) };
          made = await navigator.credentials.create({ publicKey:
            { ...options, user, excludeCredentials: readable(options.excludeCredentials) } });
        } else {
          made = await navigator.credentials.get({ publicKey:
            { ...options, allowCredentials: readable(options.allowCredentials) } });
        }
        credential.value = answerOf(made);
        form.submit();
      } catch (error) {
        const said = form.querySelector("[role=status]");
        if (said) said.textContent = said.dataset.failed;
        if (instead) instead.hidden = false;
      }
    });
  }
})();
