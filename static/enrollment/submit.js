// The submit page, livelier: the preview appears when a request is pasted, chosen or dropped. Without this script the
// button "Show me what is in it" does the same.
"use strict";
(() => {
  const form = document.getElementById("submit");
  const preview = document.getElementById("preview");
  const { csr, file, names } = form.elements;
  const servers = ["tls-server", "mqtt-broker"];
  let asked = 0;
  let timer = 0;

  const purpose = () => new FormData(form).get("profile");

  function fitPurpose() {
    form.querySelector("[data-servers]").hidden = !servers.includes(purpose());
    for (const part of form.querySelectorAll("[data-purpose]")) part.hidden = part.dataset.purpose !== purpose();
  }

  async function inspect() {
    if (!csr.value.trim() && !file.files.length) { preview.replaceChildren(); return; }
    const mine = ++asked;
    const answer = await fetch(form.dataset.inspect, { method: "POST", body: new FormData(form) }).catch(() => null);
    if (mine !== asked) return; // a newer question is on its way
    if (!answer || ![200, 422].includes(answer.status)) { preview.replaceChildren(); return; }
    preview.innerHTML = await answer.text();
    // Host names are proposed in the form, where they are read before they are sent.
    const proposed = preview.querySelector("[data-names]")?.dataset.names.trim();
    if (proposed && !names.value.trim()) { names.value = proposed; inspect(); }
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
