// DER (X.690): what requests and PKCS #12 are written in, and a strict reader for certificates.

/** @typedef {{tag: number, body: Uint8Array, whole: Uint8Array}} Element `whole` with its tag and length */

/** @param {...Iterable<number>} parts */
export const join = (...parts) => Uint8Array.from(parts.flatMap((part) => [...part]));

/** @param {Uint8Array} bytes */
export const hex = (bytes) => Array.from(bytes, (octet) => octet.toString(16).padStart(2, "0")).join("");

// Big-endian, for numbers below 2^31.
const octetsOf = (value) => (value > 255 ? [...octetsOf(value >> 8), value & 255] : [value]);

function lengthOf(size) {
  const octets = octetsOf(size);
  return size < 128 ? octets : [128 + octets.length, ...octets];
}

/** @param {number} tag one octet @param {...Iterable<number>} parts */
export function element(tag, ...parts) {
  const body = join(...parts);
  return join([tag], lengthOf(body.length), body);
}

export const sequence = (...parts) => element(0x30, ...parts);
export const explicit = (number, ...parts) => element(0xa0 + number, ...parts);
export const octets = (bytes) => element(4, bytes);
export const nothing = () => element(5);

/** SET OF, in order (11.6). @param {...Uint8Array} parts */
export const set = (...parts) => element(0x31, ...parts.sort((a, b) => (hex(a) < hex(b) ? -1 : 1)));

/** @param {number|Uint8Array} value not negative */
export function integer(value) {
  const found = value.length ? [...value] : octetsOf(value);
  while (found.length > 1 && !found[0]) found.shift();
  return element(2, found[0] > 127 ? [0] : [], found);
}

/** @param {string} dotted as "1.2.840" */
export function oid(dotted) {
  const [first, second, ...rest] = dotted.split(".").map(Number);
  const sevens = (arc, more) => [...(arc > 127 ? sevens(arc >> 7, 128) : []), (arc & 127) + more];
  return element(6, [first * 40 + second], ...rest.map((arc) => sevens(arc, 0)));
}

/**
 * @param {Uint8Array} bytes elements side by side @returns {Element[]} they, to the last octet
 * @throws {RangeError} cut short, a tag of many octets, a length that is indefinite or longer than needed
 */
export function read(bytes) {
  if (!bytes.length) return [];
  const start = bytes[1] > 127 ? bytes[1] - 126 : 2;
  const size = start > 2 ? Number("0x" + hex(bytes.subarray(2, start))) : bytes[1];
  const end = start + size;
  const plain = (bytes[0] & 31) < 31 && end <= bytes.length;
  if (!plain || hex(lengthOf(size)) !== hex(bytes.subarray(1, start))) throw new RangeError("This is not DER.");
  const one = { tag: bytes[0], body: bytes.subarray(start, end), whole: bytes.subarray(0, end) };
  return [one, ...read(bytes.subarray(end))];
}
