// A request's page follows what happens: asks every few seconds while something may still change.
"use strict";
(() => {
  const SECONDS = 4;

  const typing = () => [...document.querySelectorAll("textarea")].some((field) => field.value.trim());

  async function look() {
    const here = document.getElementById("state");
    if (!here.dataset.poll) return;
    if (!document.hidden) {
      const answer = await fetch(here.dataset.poll).catch(() => null);
      if (answer && answer.status === 401) return; // signed out meanwhile; the next click says so
      if (answer && answer.ok) show(here, await answer.text());
    }
    setTimeout(look, SECONDS * 1000);
  }

  function show(here, html) {
    const holder = document.createElement("template");
    holder.innerHTML = html;
    const fresh = holder.content.querySelector("#state");
    if (!fresh) return;
    const changed = fresh.dataset.version !== here.dataset.version;
    here.replaceWith(fresh);
    if (changed && !typing()) location.reload();
  }

  setTimeout(look, SECONDS * 1000);
})();
