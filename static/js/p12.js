// PKCS #12 (RFC 7292): the key, its certificate and the issuers in one file under a password.
import { element, explicit, integer, join, nothing, octets, oid, sequence, set } from "./der.js";
import { encipher } from "./des.js";

const ROUNDS = 2048; // as OpenSSL and Apple write it
const STRETCH = 10000; // of PBKDF2

// compat: iOS to 17, Android to 13, the Keychain of macOS, and all that is newer
// modern: iOS 18 and later, Android 14 and later
const MODES = {
  compat: { hash: "SHA-1", digest: "1.3.14.3.2.26", size: 20, seal: sealWithTripleDes },
  modern: { hash: "SHA-256", digest: "2.16.840.1.101.3.4.2.1", size: 32, seal: sealWithAes },
};

const pkcs = (rest, ...parts) => sequence(oid("1.2.840.113549.1." + rest), ...parts);
const random = (size) => crypto.getRandomValues(new Uint8Array(size));
const repeat = (bytes, size) => Uint8Array.from({ length: size }, (_, i) => bytes[i % bytes.length]);
const blocks = (bytes) => repeat(bytes, Math.ceil(bytes.length / 64) * 64);
const utf16 = (text) => text.split("").flatMap((unit) => [unit.charCodeAt() >> 8, unit.charCodeAt() & 255]);

/**
 * Key derivation of appendix B.2.
 * @param {"SHA-1"|"SHA-256"} hash both have blocks of 64 octets @param {1|2|3} purpose key, IV, MAC key (B.3)
 * @param {string} password @param {Uint8Array} salt @param {number} rounds @param {number} size octets wanted
 * @returns {Promise<Uint8Array>}
 */
export async function derive(hash, purpose, password, salt, rounds, size) {
  const input = join(blocks(salt), blocks(utf16(password + "\0")));
  const found = [];
  while (found.length < size) {
    let digest = join(Array(64).fill(purpose), input);
    for (let i = 0; i < rounds; i++) digest = new Uint8Array(await crypto.subtle.digest(hash, digest));
    found.push(...digest);
    for (let at = 0; at < input.length; at += 64) add(input.subarray(at, at + 64), repeat(digest, 64));
  }
  return Uint8Array.from(found.slice(0, size));
}

// `block` becomes block + other + 1, big-endian, without the overflow.
function add(block, other) {
  let carry = 1;
  for (let i = 63; i >= 0; i--) {
    carry += block[i] + other[i];
    block[i] = carry;
    carry >>= 8;
  }
}

// Both give an AlgorithmIdentifier and the ciphertext. This is appendix C.
async function sealWithTripleDes(plain, password) {
  const salt = random(8);
  const part = (purpose, size) => derive("SHA-1", purpose, password, salt, ROUNDS, size);
  const [key, iv] = await Promise.all([part(1, 24), part(2, 8)]);
  return [pkcs("12.1.3", sequence(octets(salt), integer(ROUNDS))), encipher(key, iv, plain)];
}

// PBES2 (RFC 8018 6.2). HMAC-SHA256 is written out, as the default is SHA-1.
async function sealWithAes(plain, password) {
  const { subtle } = crypto;
  const [salt, iv] = [random(16), random(16)];
  const stretch = { name: "PBKDF2", hash: "SHA-256", salt, iterations: STRETCH };
  const secret = await subtle.importKey("raw", new TextEncoder().encode(password), "PBKDF2", false, ["deriveKey"]);
  const key = await subtle.deriveKey(stretch, secret, { name: "AES-CBC", length: 256 }, false, ["encrypt"]);
  const prf = sequence(oid("1.2.840.113549.2.9"), nothing());
  const from = pkcs("5.12", sequence(octets(salt), integer(STRETCH), prf));
  const how = pkcs("5.13", sequence(from, sequence(oid("2.16.840.1.101.3.4.1.42"), octets(iv))));
  return [how, new Uint8Array(await subtle.encrypt({ name: "AES-CBC", iv }, key, plain))];
}

// MacData (4) over the AuthenticatedSafe.
async function macOf(safe, password, { hash, digest, size }) {
  const salt = random(8);
  const secret = await derive(hash, 3, password, salt, ROUNDS, size);
  const key = await crypto.subtle.importKey("raw", secret, { name: "HMAC", hash }, false, ["sign"]);
  const mac = new Uint8Array(await crypto.subtle.sign("HMAC", key, safe));
  return sequence(sequence(sequence(oid(digest), nothing()), octets(mac)), octets(salt), integer(ROUNDS));
}

const data = (content) => pkcs("7.1", explicit(0, octets(content)));
const encryptedData = (how, sealed) =>
  pkcs("7.6", explicit(0, sequence(integer(0), pkcs("7.1", how, element(0x80, sealed)))));
const certificateBag = (der, ...marks) =>
  pkcs("12.10.1.3", explicit(0, pkcs("9.22.1", explicit(0, octets(der)))), ...marks);

/**
 * @param {CryptoKey} key private, extractable @param {Uint8Array[]} chain DER: the key's own, then its issuers
 * @param {string} name what the device calls it @param {string} password ASCII: readers differ on other letters
 * @param {"compat"|"modern"} mode @returns {Promise<Uint8Array>} the .p12
 * @throws {RangeError} the password is empty or not ASCII
 */
export async function makeP12(key, [own, ...issuers], name, password, mode = "compat") {
  if (!/^[ -~]+$/.test(password)) throw new RangeError("The password must be ASCII and not empty.");
  const { seal } = MODES[mode];
  const secret = new Uint8Array(await crypto.subtle.exportKey("pkcs8", key));
  const id = new Uint8Array(await crypto.subtle.digest("SHA-1", own)); // joins the key to its certificate
  const marks = set(pkcs("9.20", set(element(30, utf16(name)))), pkcs("9.21", set(octets(id))));
  const bags = sequence(certificateBag(own, marks), ...issuers.map((der) => certificateBag(der)));
  const [certificates, [how, sealed]] = await Promise.all([seal(bags, password), seal(secret, password)]);
  const keyBag = pkcs("12.10.1.2", explicit(0, sequence(how, octets(sealed))), marks);
  const safe = sequence(encryptedData(...certificates), data(sequence(keyBag)));
  return sequence(integer(3), data(safe), await macOf(safe, password, MODES[mode]));
}
