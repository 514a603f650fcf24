// "Put a certificate on this device": the page makes a key, keeps it in this browser, and sends the request for it.
import { digestOf, infoOf, makeKey, requestFor } from "../js/csr.js";
import { put, whyNot } from "../js/store.js";

const form = document.getElementById("device-form");
const ask = document.getElementById("ask");
const rsa = document.getElementById("rsa");
const { csr, device } = form.elements;

function show(why) {
  for (const one of document.querySelectorAll("[data-why]")) one.hidden = one.dataset.why !== why;
  ask.disabled = Boolean(why);
}

function pemOf(der) {
  const lines = btoa(String.fromCharCode(...der)).match(/.{1,64}/g).join("\n");
  return `-----BEGIN CERTIFICATE REQUEST-----\n${lines}\n-----END CERTIFICATE REQUEST-----\n`;
}

// Kept before it is sent, under the digest of its public half: an answer that gets lost loses no key.
async function make() {
  const pair = await makeKey(rsa.checked ? "RSA-2048" : "P-256");
  const info = await infoOf(pair.publicKey);
  await put(await digestOf(info), { key: pair.privateKey, info });
  // As the certificate will be called: the officer sees no difference where there is none. A renewal has its name.
  const name = form.dataset.name ?? `${form.dataset.owner}'s ${device.value.trim() || "device"}`;
  csr.value = pemOf(await requestFor(pair, name));
}

async function send() {
  const label = ask.textContent;
  ask.disabled = true;
  ask.textContent = ask.dataset.busy;
  try {
    await make();
    form.submit();
  } catch {
    ask.textContent = label;
    show((await whyNot()) || "blocked");
  }
}

async function prepare() {
  csr.value = csr.defaultValue; // what the browser fills in from an earlier visit was sent already
  rsa.addEventListener("change", () => { csr.value = ""; });
  form.addEventListener("submit", (event) => {
    if (event.submitter !== ask || csr.value) return; // to the phone; or a name was mended, and the key is there
    event.preventDefault();
    send();
  });
  addEventListener("pageshow", (event) => event.persisted && location.reload());
  show(await whyNot());
}

// An iPad says that it is a Mac. No Mac has a screen that counts fingers.
if (form.dataset.guess === "mac" && navigator.maxTouchPoints > 1) location.replace(form.dataset.ipad);
else if (form.dataset.way === "page") prepare();
