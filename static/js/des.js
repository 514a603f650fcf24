// Triple DES, which WebCrypto lacks and phones want in a .p12. Bit by bit, as FIPS 46-3 tells it: fast enough for that.

const many = (length, value) => Array.from({ length }, (_, i) => value(i));
const table = (digits, more = 0) => Array.from(digits, (digit) => parseInt(digit, 36) + more);

// The standard's tables, by a rule where there is one; positions count from 1.
const IP = many(64, (i) => [58, 60, 62, 64, 57, 59, 61, 63][i >> 3] - 8 * (i % 8));
const LAST = many(64, (i) => IP.indexOf(i + 1) + 1);
const E = many(48, (i) => ((i - 2 * ((i / 6) | 0) + 31) % 32) + 1);
const P = table("g7kltcsh1fnq5iva28oewr39jdu6mb4p");
const PC1 = [1, 2, 3, 4, 7, 6, 5].flatMap((last) => many(8, (i) => 56 + last - 8 * i));
PC1.push(...PC1.splice(28, 4));
const PC2 = [...table("ehbo153sf6lanjc4q8g7rkd2"), ...table("do39jr2cnh5kglbs6piem814", 28)];
const SHIFTS = table("1122222212222221");
const S = [
  "e4d12fb83a6c59070f74e2d1a6cb953841e8d62bfc973a50fc8249175b3ea06d",
  "f18e6b34972dc05a3d47f28ec01a69b50e7ba4d158c6932fd8a13f42b67c05e9",
  "a09e63f51dc7b428d709346a285ecbf1d6498f30b12c5ae71ad069874fe3b52c",
  "7de3069a1285bc4fd8b56f03472c1ae9a690cb7df13e52843f06a1d8945bc72e",
  "2c417ab6853fd0e9eb2c47d150fa3986421bad78f9c5630eb8c71e2d6f09a453",
  "c1af92680d34e75baf427c9561de0b389ef528c3704a1db6432c95fabe17608d",
  "4b2ef08d3c975a61d0b7491ae35c2f8614bdc37eaf6805926bd814a7950fe23c",
  "d2846fb1a93e50c71fd8a374c56b0e927b419ce206adf35821e74a8dfc90356b",
].map((box) => table(box));

const permute = (bits, positions) => positions.map((from) => bits[from - 1]);
const xor = (a, b) => a.map((bit, i) => bit ^ b[i]);
const toBits = (numbers, size) => numbers.flatMap((number) => many(size, (i) => (number >> (size - 1 - i)) & 1));
const toNumbers = (bits, size) =>
  many(bits.length / size, (i) => parseInt(bits.slice(i * size, i * size + size).join(""), 2));

// Sixteen keys of 48 bits.
function schedule(key) {
  const start = permute(toBits(key, 8), PC1);
  let turned = 0;
  return SHIFTS.map((by) => {
    turned += by;
    return PC2.map((from) => start[from > 28 ? 28 + ((from - 29 + turned) % 28) : (from - 1 + turned) % 28]);
  });
}

// The function f.
function mangle(half, key) {
  const sixes = toNumbers(xor(permute(half, E), key), 6);
  const fours = sixes.map((six, i) => S[i][(six & 32) + (six & 1) * 16 + ((six >> 1) & 15)]);
  return permute(toBits(fours, 4), P);
}

function des(block, keys) {
  const start = permute(block, IP);
  let [left, right] = [start.slice(0, 32), start.slice(32)];
  for (const key of keys) [left, right] = [right, xor(left, mangle(right, key))];
  return permute([...right, ...left], LAST);
}

/**
 * CBC mode (NIST SP 800-67), padded as in RFC 5652 6.3.
 * @param {Uint8Array} key 24 octets @param {Uint8Array} iv 8 octets @param {Uint8Array} plain @returns {Uint8Array}
 */
export function encipher(key, iv, plain) {
  const keys = [0, 8, 16].map((at) => schedule([...key.slice(at, at + 8)]));
  keys[1].reverse(); // the second one deciphers
  const missing = 8 - (plain.length % 8);
  const bits = toBits([...plain, ...Array(missing).fill(missing)], 8);
  let block = toBits([...iv], 8);
  const sealed = many(bits.length / 64, (i) => (block = keys.reduce(des, xor(block, bits.slice(64 * i)))));
  return Uint8Array.from(toNumbers(sealed.flat(), 8));
}
