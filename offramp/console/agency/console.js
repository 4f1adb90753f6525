// Locks the page after a time without a key or a touch, and asks the browser for passkeys. Without
// it, the server locks at the next request, and people sign in with password and code. Nothing of
// a page is kept in the browser.
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
