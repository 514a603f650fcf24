// Passkeys. Every page works without this file, with codes; what it adds is hidden until it can work.
"use strict";
(() => {
  if (!window.PublicKeyCredential) return;
  const AGAIN = 240000; // milliseconds; the portal's questions are good for five minutes
  const BUFFERS = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"];
  const boxes = [...document.querySelectorAll("[data-passkey]")];
  let quiet = null; // the question that waits in the user name's field, to be called off

  // base64url without padding, as WebAuthn's JSON has it.
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (one) => one.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

  // The browsers' own parse…FromJSON and toJSON came in 2024 and 2025; phones are kept for longer.
  function unpacked(question) {
    const known = (list) => list.map((one) => ({ ...one, id: bytes(one.id) }));
    const found = { ...question, challenge: bytes(question.challenge) };
    if (found.user) found.user = { ...found.user, id: bytes(found.user.id) };
    if (found.allowCredentials) found.allowCredentials = known(found.allowCredentials);
    if (found.excludeCredentials) found.excludeCredentials = known(found.excludeCredentials);
    return found;
  }

  function packed(credential) {
    const { id, type, response } = credential;
    const said = {};
    for (const name of BUFFERS) if (response[name]) said[name] = text(response[name]);
    if (response.getTransports) said.transports = response.getTransports();
    const clientExtensionResults = credential.getClientExtensionResults();
    return JSON.stringify({ id, rawId: id, type, response: said, clientExtensionResults });
  }

  function say(box, sentence) {
    box.querySelector("[role=status]").textContent = sentence || "";
  }

  async function ask(box) {
    const { elements } = box.closest("form");
    const body = new URLSearchParams();
    for (const name of ["csrfmiddlewaretoken", ...(box.dataset.send || "").split(" ")]) {
      if (name) body.set(name, elements[name].value);
    }
    const answer = await fetch(box.dataset.passkey, { method: "POST", body });
    const said = await answer.json();
    if (!answer.ok) throw Object.assign(new Error(said.error), { name: "Said" });
    return unpacked(said);
  }

  function send(box, credential) {
    const form = box.closest("form");
    form.querySelector("[data-answer]").value = packed(credential);
    const verb = form.querySelector("button:not([type=button])");
    if (form.requestSubmit) form.requestSubmit(verb);
    else form.submit();
  }

  // Which of the sentences that the page brought fits.
  function sentence(box, error) {
    const { closed, tls, known, failed } = box.dataset;
    if (error.name === "Said") return error.message;
    if (error.name === "InvalidStateError") return known;
    if (error.name === "SecurityError" || /\bTLS\b/.test(error.message)) return tls;
    return ["NotAllowedError", "AbortError"].includes(error.name) ? closed : failed;
  }

  async function press(box) {
    const { elements } = box.closest("form");
    const empty = (box.dataset.send || "").split(" ").find((name) => name && !elements[name].value);
    if (empty) {
      say(box, box.dataset.empty);
      return void elements[empty].focus();
    }
    const button = box.querySelector("button");
    quiet?.abort();
    button.disabled = true;
    say(box, box.dataset.waiting);
    try {
      const publicKey = await ask(box);
      const call = publicKey.rp ? "create" : "get";
      send(box, await navigator.credentials[call]({ publicKey }));
    } catch (error) {
      say(box, sentence(box, error));
      offer();
    } finally {
      button.disabled = false;
    }
  }

  // The field for the user name offers passkeys among what it fills in. Nobody asked for it: it fails silently.
  async function offer() {
    const box = boxes.find((one) => "offer" in one.dataset);
    if (!box || !(await window.PublicKeyCredential.isConditionalMediationAvailable?.())) return;
    const mine = new AbortController();
    quiet = mine;
    const timer = setTimeout(() => { mine.abort(); whenSeen(offer); }, AGAIN);
    try {
      const publicKey = await ask(box);
      if (mine.signal.aborted) return;
      const found = await navigator.credentials.get({ publicKey, mediation: "conditional", signal: mine.signal });
      if (found) send(box, found);
    } catch {
      // the button still works, and says why not
    } finally {
      clearTimeout(timer);
    }
  }

  function whenSeen(act) {
    if (!document.hidden) return void act();
    document.addEventListener("visibilitychange", () => whenSeen(act), { once: true });
  }

  for (const box of boxes) {
    box.hidden = false;
    box.querySelector("button").addEventListener("click", () => press(box));
  }
  // A page out of the browser's memory brings its old answer along.
  addEventListener("pageshow", () => {
    for (const field of document.querySelectorAll("[data-answer]")) field.value = "";
  });
  offer();
})();
