// The door's page with a script: a pad of digits for the thumb, and a press without leaving the page.
// Without it the same form does the same, with the phone's own keyboard and a page for each answer.
"use strict";
(() => {
  const WAITS = [300, 300, 500, 500, 1000]; // milliseconds before each further look; the last one repeats
  const PATIENCE = 20000; // for one answer
  const form = document.getElementById("doors");
  const pin = document.getElementById("pin");
  let busy = false;

  // Asks our server; gives the page it answers, or null: no network, closed on us, or an answer of others.
  async function ask(url, options = {}) {
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), PATIENCE);
    try {
      const answer = await fetch(url, { ...options, cache: "no-store", signal: stop.signal });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      return page.getElementById("answer") && page;
    } catch {
      return null;
    } finally {
      clearTimeout(timer);
    }
  }

  const press = () => document.getElementById("press");

  // Put what was answered in its place. The region itself stays: screen readers listen to it.
  function show(...nodes) {
    document.getElementById("answer").replaceChildren(...nodes);
    if (form) form.hidden = Boolean(press()) && !("retry" in press().dataset);
    // What had the focus is hidden or gone: Tab goes on from here, and no keyboard jumps up.
    if (document.activeElement === document.body) document.getElementById("content").focus();
    scrollTo(0, 0);
  }

  function showTemplate(id) {
    show(document.getElementById(id).content.cloneNode(true));
  }

  function take(page) {
    const before = press()?.innerText;
    const fresh = page.getElementById("answer");
    if (before !== undefined && before === fresh.querySelector("#press")?.innerText) return;
    show(...fresh.childNodes);
  }

  // A page that was answered brings the token of the next press; without one the same press is sent again.
  function renew(page) {
    const other = page.getElementById("doors");
    form.elements.token.value = other ? other.elements.token.value : press().dataset.token;
    if (other) form.elements.csrfmiddlewaretoken.value = other.elements.csrfmiddlewaretoken.value;
    if (pin) pin.value = "";
  }

  async function follow() {
    for (let number = 0; press()?.dataset.poll; number++) {
      await new Promise((done) => setTimeout(done, WAITS[Math.min(number, WAITS.length - 1)]));
      if (document.hidden) continue;
      const page = press() && (await ask(press().dataset.poll));
      if (page) take(page);
      else if (number > 30) return;
    }
  }

  function hold(state) {
    busy = state;
    for (const button of form.querySelectorAll(".tile[formaction], .pad button")) button.disabled = state;
  }

  async function send(button) {
    const body = new URLSearchParams(new FormData(form));
    hold(true);
    showTemplate("sending");
    document.querySelector("#press .which span").textContent = button.querySelector(".name").textContent;
    const page = await ask(button.formAction, { method: "POST", body });
    hold(false);
    if (!page) return showTemplate(navigator.onLine === false ? "offline" : "silent");
    show(...page.getElementById("answer").childNodes);
    renew(page);
    follow();
  }

  // Three by four real buttons. They do not take the focus to the field: no keyboard jumps up.
  function pad() {
    const field = document.createElement("div");
    field.className = "pad";
    field.setAttribute("role", "group");
    field.setAttribute("aria-label", form.dataset.pad);
    const typed = document.createElement("p");
    typed.className = "unseen";
    typed.setAttribute("aria-live", "polite");
    const key = (face, label, change) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = face;
      if (label) button.setAttribute("aria-label", label);
      button.addEventListener("click", () => {
        pin.value = change(pin.value).slice(0, pin.maxLength);
        typed.textContent = `${form.dataset.typed} ${pin.value.length}`; // how many; never which
      });
      return button;
    };
    const digit = (face) => key(face, "", (value) => value + face);
    const digits = [..."123456789"].map(digit);
    const clear = key("C", form.dataset.clear, () => "");
    const last = key("⌫", form.dataset.delete, (value) => value.slice(0, -1));
    field.append(...digits, clear, digit("0"), last, typed);
    pin.inputMode = "none"; // the phone's keyboard would cover the pad; password managers do not mind
    pin.closest(".pin").append(field);
  }

  if (form) {
    if (pin) pad();
    form.addEventListener("submit", (event) => {
      if (!event.submitter) return; // an old browser: it sends the form by itself
      event.preventDefault();
      if (!busy) send(event.submitter);
    });
    // Enter means the door when there is only one; of several it chooses none.
    pin?.addEventListener("keydown", (event) => {
      const doors = form.querySelectorAll("button.tile:not([formnovalidate])");
      if (event.key !== "Enter") return;
      event.preventDefault();
      if (doors.length === 1) doors[0].click();
      else doors[0]?.focus();
    });
  }

  // A page out of the browser's memory has an old token and old states: begin anew.
  addEventListener("pageshow", (event) => event.persisted && location.reload());
  const opened = Date.now();
  document.addEventListener("visibilitychange", () => {
    const idle = form && !form.hidden && !busy && !pin?.value;
    if (!document.hidden && idle && navigator.onLine && Date.now() - opened > 60000) location.reload();
  });

  follow();
})();
