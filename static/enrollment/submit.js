// The submit page, livelier: the preview appears when a request is pasted, chosen or dropped. Without this script the
// button "Show me what is in it" does the same.
"use strict";
(() => {
  const form = document.getElementById("submit");
  const places = ["summary", "preview"].map((id) => document.getElementById(id));
  const { csr, file, names } = form.elements;
  const servers = ["tls-server", "mqtt-broker"];
  let asked = 0;
  let offered = "";
  let timer = 0;

  const purpose = () => new FormData(form).get("profile");

  function fitPurpose() {
    form.querySelector("[data-servers]").hidden = !servers.includes(purpose());
    for (const part of form.querySelectorAll("[data-purpose]")) part.hidden = part.dataset.purpose !== purpose();
  }

  async function inspect() {
    if (!csr.value.trim() && !file.files.length) { show(""); return; }
    const mine = ++asked;
    const answer = await fetch(form.dataset.inspect, { method: "POST", body: new FormData(form) }).catch(() => null);
    if (mine !== asked) return; // a newer question is on its way
    if (answer && [200, 422].includes(answer.status)) show(await answer.text());
    else tell(answer?.status === 413 ? "This file is larger than any certification request." : "It could not be looked at just now.");
    // Host names are proposed in the form, once, where they are read before they are sent.
    const proposed = form.querySelector("[data-names]")?.dataset.names.trim() ?? "";
    if (proposed && proposed !== offered && !names.value.trim()) { names.value = offered = proposed; inspect(); }
  }

  function show(html) {
    const holder = document.createElement("template");
    holder.innerHTML = html;
    for (const place of places) {
      const part = holder.content.querySelector(`[data-part="${place.id}"]`);
      place.replaceChildren(...(part ? part.childNodes : []));
    }
  }

  function tell(sentence) {
    show("");
    const line = document.createElement("p");
    line.className = "notice bad";
    line.textContent = sentence;
    places[0].append(line);
  }

  function soon() { clearTimeout(timer); timer = setTimeout(inspect, 300); }

  form.addEventListener("input", (event) => {
    fitPurpose();
    // Whatever was pasted last is meant: an earlier chosen file would otherwise win.
    if (event.target === csr) file.value = "";
    soon();
  });
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    if (!event.dataTransfer.files.length) return;
    file.files = event.dataTransfer.files;
    soon();
  });
  fitPurpose();
})();
