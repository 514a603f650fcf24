// The key waits in the browser (IndexedDB) under the request's id until its certificate comes.

async function within(mode, act) {
  const database = await new Promise((resolve, reject) => {
    const asked = indexedDB.open("latchkey", 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore("keys");
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
  const transaction = database.transaction("keys", mode, { durability: "strict" }); // on the disk, not on its way
  database.close(); // when the transaction is through
  const asked = act(transaction.objectStore("keys"));
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve(asked.result);
    transaction.onabort = () => reject(transaction.error);
  });
}

/** @param {string} id the request's @param {object} kept CryptoKeys and plain values @returns {Promise<void>} */
export const put = (id, kept) => within("readwrite", (keys) => keys.put(kept, id));

/** @param {string} id @returns {Promise<object|undefined>} undefined: another browser, or cleared */
export const get = (id) => within("readonly", (keys) => keys.get(id));

/** @param {string} id @returns {Promise<void>} */
export const remove = (id) => within("readwrite", (keys) => keys.delete(id));

/**
 * Can a key be kept here? To be asked before anything is submitted.
 * @returns {Promise<""|"insecure"|"lockdown"|"private"|"forgets"|"full"|"blocked">} why not: no TLS; Lockdown Mode;
 *   Private Browsing, which refuses keys, or forgets them with its window; no room; switched off or broken
 */
export async function whyNot() {
  if (!crypto.subtle) return "insecure";
  const id = "test " + Math.random();
  try {
    const { privateKey } = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign"]);
    // In one transaction: whoever leaves the page in the middle leaves nothing behind.
    const kept = await within("readwrite", (keys) => {
      keys.put(privateKey, id);
      const found = keys.get(id);
      keys.delete(id);
      return found;
    });
    await crypto.subtle.exportKey("pkcs8", kept);
  } catch ({ name }) {
    // Both of Apple's modes refuse to clone a key; Lockdown takes WebAssembly away as well.
    if (!globalThis.WebAssembly) return "lockdown";
    return { DataCloneError: "private", QuotaExceededError: "full" }[name] ?? "blocked";
  }
  // Firefox has no files of its own in a private window; Chromium's private windows look like any other.
  return navigator.storage?.getDirectory?.().then(() => "", () => "forgets") ?? "";
}
