// Letters alone, so that no telephone has to change its keyboard, in groups one can say aloud: "lusab-babad-gutih"
// (proquints, arXiv 0901.4016).

/** @param {number} number 16 bits @returns {string} consonants of four bits, vowels of two */
function group(number) {
  const consonant = (at) => "bdfghjklmnprstvz"[(number >> at) & 15];
  const vowel = (at) => "aiou"[(number >> at) & 3];
  return consonant(12) + vowel(10) + consonant(6) + vowel(4) + consonant(0);
}

/** @returns {string} 80 random bits, 29 characters */
export function makePassword() {
  return Array.from(crypto.getRandomValues(new Uint16Array(5)), group).join("-");
}
