// A key made in the browser, and the request for its certificate.
import { element, explicit, hex, integer, nothing, oid, sequence, set } from "./der.js";

const hash = "SHA-256";
const KEYS = {
  "P-256": { name: "ECDSA", namedCurve: "P-256" },
  "RSA-2048": { name: "RSASSA-PKCS1-v1_5", modulusLength: 2048, publicExponent: Uint8Array.of(1, 0, 1), hash },
};

/** Extractable: no other goes into a .p12. @param {"P-256"|"RSA-2048"} kind @returns {Promise<CryptoKeyPair>} */
export const makeKey = (kind) => crypto.subtle.generateKey(KEYS[kind], true, ["sign", "verify"]);

/** @param {CryptoKey} key public @returns {Promise<Uint8Array>} SubjectPublicKeyInfo, DER */
export const infoOf = async (key) => new Uint8Array(await crypto.subtle.exportKey("spki", key));

/** @param {Uint8Array} info @returns {Promise<string>} SHA-256 in hex, from which the four words come */
export const digestOf = async (info) => hex(new Uint8Array(await crypto.subtle.digest(hash, info)));

const bits = (bytes) => element(3, [0], bytes);
const rsa = (signature) => [sequence(oid("1.2.840.113549.1.1.11"), nothing()), bits(signature)];

/** r and s side by side, made a SEQUENCE (RFC 3279 2.2.3). @param {Uint8Array} signature */
function ecdsa(signature) {
  const value = sequence(integer(signature.subarray(0, 32)), integer(signature.subarray(32)));
  return [sequence(oid("1.2.840.10045.4.3.2")), bits(value)];
}

/**
 * @param {CryptoKeyPair} pair @param {string} cn common name; the CA takes names from the account all the same
 * @returns {Promise<Uint8Array>} CertificationRequest (RFC 2986), DER
 */
export async function requestFor({ privateKey, publicKey }, cn) {
  const subject = sequence(set(sequence(oid("2.5.4.3"), element(12, new TextEncoder().encode(cn)))));
  const info = sequence(integer(0), subject, await infoOf(publicKey), explicit(0));
  const { name } = privateKey.algorithm;
  const signature = new Uint8Array(await crypto.subtle.sign({ name, hash }, privateKey, info));
  return sequence(info, ...(name === "ECDSA" ? ecdsa : rsa)(signature));
}
