// The end of what device.js began: key and certificate become a .p12, here in the browser. On the page of a request
// it only says whether the key is in this browser, or forgets a key whose request came to nothing.
import { chainOf } from "../js/chain.js";
import { read } from "../js/der.js";
import { makeP12 } from "../js/p12.js";
import { makePassword } from "../js/password.js";
import { get, remove } from "../js/store.js";

const byId = (id) => document.getElementById(id);

function show(step) {
  for (const one of document.querySelectorAll("[data-step]")) one.hidden = one.dataset.step !== step;
  const here = document.querySelector(`[data-step="${step}"]`);
  if (!here?.hasAttribute("tabindex")) return;
  here.focus({ preventScroll: true });
  scrollTo(0, 0);
}

function fail(sentence) {
  show("broken");
  byId("trouble").textContent = sentence;
}

/** @param {Uint8Array} p7b SignedData without signers (RFC 5652 5.1) @returns {Uint8Array[]} its certificates */
function certificatesIn(p7b) {
  const [, content] = read(read(p7b)[0].body);
  const certificates = read(read(content.body)[0].body).find(({ tag }) => tag === 0xa0);
  return read(certificates.body).map(({ whole }) => whole);
}

async function chainFor(place, info) {
  const answer = await fetch(place.dataset.chain, { cache: "no-store" });
  if (answer.status === 401) throw new Error(place.dataset.signedOut);
  if (!answer.ok) throw new Error(place.dataset.notFetched);
  try {
    return chainOf(certificatesIn(new Uint8Array(await answer.arrayBuffer())), info);
  } catch (error) {
    throw error instanceof RangeError ? new Error(place.dataset.otherKey) : error;
  }
}

async function finish(place, { key, info }) {
  const password = makePassword(); // one for both forms, so that no file opens with another than the one shown
  const chosen = () => place.querySelector("[name=form]:checked");

  async function make() {
    const button = byId("make");
    const label = button.textContent;
    button.disabled = true;
    button.textContent = button.dataset.busy;
    try {
      const p12 = await makeP12(key, await chainFor(place, info), place.dataset.name, password, chosen().value);
      const link = byId("save");
      URL.revokeObjectURL(link.href);
      link.href = URL.createObjectURL(new Blob([p12], { type: "application/x-pkcs12" }));
      link.download = place.dataset.file;
      byId("password").textContent = password;
      show("made");
    } catch (error) {
      fail(error.message);
    }
    button.disabled = false;
    button.textContent = label;
  }

  byId("make").addEventListener("click", make);
  byId("other").addEventListener("click", () => {
    place.querySelector("[name=form]:not(:checked)").checked = true;
    make();
  });
  byId("copy").addEventListener("click", async ({ target }) => {
    await navigator.clipboard.writeText(password).then(
      () => { target.textContent = target.dataset.done; },
      () => getSelection().selectAllChildren(byId("password")),
    );
  });
  byId("installed").addEventListener("click", async () => {
    await remove(place.dataset.key);
    URL.revokeObjectURL(byId("save").href);
    byId("password").textContent = "";
    show("done");
    const tell = byId("tell"); // that it is installed, for the officers' list, and nothing else
    if (tell) fetch(tell.action, { method: "POST", body: new URLSearchParams(new FormData(tell)) }).catch(() => {});
  });
  show("ready");
}

// Chrome on Android tells its version to scripts only.
async function fitForm(place) {
  const told = await navigator.userAgentData?.getHighEntropyValues?.(["platformVersion"]).catch(() => null);
  if (told?.platform !== "Android" || parseInt(told.platformVersion, 10) < 14) return;
  place.querySelector("[name=form][value=modern]").checked = true;
}

async function begin() {
  const place = byId("finish") ?? byId("kept");
  if (place.dataset.over) return remove(place.dataset.key);
  const kept = await get(place.dataset.key);
  if (place.id === "kept" || !kept) return show(kept ? "here" : "gone");
  await fitForm(place);
  return finish(place, kept);
}

begin().catch(() => show("gone")); // no storage at all: then the key is not here either
