// What the tests have a page do: as little as can be between them and the modules.
import { chainOf } from "/static/js/chain.js";
import * as csr from "/static/js/csr.js";
import * as der from "/static/js/der.js";
import { encipher } from "/static/js/des.js";
import { derive, makeP12 } from "/static/js/p12.js";
import { makePassword } from "/static/js/password.js";
import * as store from "/static/js/store.js";

const { hex } = der;
const unhex = (text) => Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));

/** An Element as [tag, body in hex]; constructed ones as [tag, [their members]]. */
function tree({ tag, body }) {
  return [tag, tag & 0x20 ? der.read(body).map(tree) : hex(body)];
}

const BREAKAGES = {
  put(name) {
    IDBObjectStore.prototype.put = () => { throw new DOMException("refused", name); };
  },
  no(name) {
    Object.defineProperty(window, name, { get: () => undefined });
  },
};

window.steps = {
  whyNot: () => store.whyNot(),

  async broken(how) {
    for (const [act, name] of how.map((one) => one.split(" "))) BREAKAGES[act](name);
    return store.whyNot();
  },

  async ask(id, kind, name) {
    const pair = await csr.makeKey(kind);
    const info = await csr.infoOf(pair.publicKey);
    await store.put(id, { key: pair.privateKey, info });
    return { csr: hex(await csr.requestFor(pair, name)), digest: await csr.digestOf(info) };
  },

  async finish(id, certificates, name, mode) {
    const { key, info } = await store.get(id);
    const password = makePassword();
    const chain = chainOf(certificates.map(unhex), info);
    return { p12: hex(await makeP12(key, chain, name, password, mode)), password };
  },

  async withPassword(password) {
    const { privateKey } = await csr.makeKey("P-256");
    return hex(await makeP12(privateKey, [unhex("3000")], "x", password));
  },

  async chain(id, certificates) {
    return chainOf(certificates.map(unhex), (await store.get(id)).info).map(hex);
  },

  kept: async (id) => (await store.get(id)) !== undefined,
  remove: (id) => store.remove(id),

  ciphers: async (all) => all.map((given) => hex(encipher(...given.map(unhex)))),
  derived: (all) => Promise.all(
    all.map(async ([hash, purpose, password, salt, rounds, size]) =>
      hex(await derive(hash, purpose, password, unhex(salt), rounds, size))),
  ),
  /** @param {number[]} numbers five, as if they were random */
  async passwordOf(numbers) {
    const own = Crypto.prototype.getRandomValues;
    Crypto.prototype.getRandomValues = (array) => { array.set(numbers); return array; };
    try {
      return makePassword();
    } finally {
      Crypto.prototype.getRandomValues = own;
    }
  },

  passwords: async (many) => Array.from({ length: many }, makePassword),

  integers: async (all) => all.map((value) => hex(der.integer(typeof value === "string" ? unhex(value) : value))),
  oids: async (all) => all.map((dotted) => hex(der.oid(dotted))),
  sets: async (all) => all.map((members) => hex(der.set(...members.map((one) => der.octets(unhex(one)))))),
  elements: async (all) => all.map(([tag, body]) => hex(der.element(tag, unhex(body)))),
  trees: async (all) => all.map((given) => {
    try {
      return der.read(unhex(given)).map(tree);
    } catch (error) {
      return String(error);
    }
  }),
};
document.title = "ready";
