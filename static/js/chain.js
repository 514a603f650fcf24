// Which certificate is for our key, and are its issuers there?
import { hex, read } from "./der.js";

function partsOf(der) {
  const [certificate] = read(der);
  const fields = read(read(certificate.body)[0].body).map((field) => hex(field.whole)); // RFC 5280 4.1
  const [issuer, , subject, key] = fields.slice(fields[0].startsWith("a0") ? 3 : 2); // a version may come first
  return { der, issuer, subject, key };
}

/**
 * @param {Uint8Array[]} certificates DER, in any order @param {Uint8Array} info our SubjectPublicKeyInfo
 * @returns {Uint8Array[]} ours, its issuer, and so on to the root
 * @throws {RangeError} none is for our key, or an issuer is missing
 */
export function chainOf(certificates, info) {
  const all = certificates.map(partsOf);
  const chain = [all.find(({ key }) => key === hex(info))];
  for (const last of chain) {
    if (!last) throw new RangeError(chain[0] ? "An issuer is missing." : "No certificate is for this key.");
    const { issuer, subject } = last;
    if (issuer !== subject) chain.push(all.find((one) => one.subject === issuer && !chain.includes(one)));
  }
  return chain.map(({ der }) => der);
}
