// Letters alone, so that a phone need not change its keyboard, in groups one can say: "lusab-babad-gutih".

// Consonants of four bits, vowels of two (proquints, arXiv 0901.4016).
function group(number) {
  const consonant = (at) => "bdfghjklmnprstvz"[(number >> at) & 15];
  const vowel = (at) => "aiou"[(number >> at) & 3];
  return consonant(12) + vowel(10) + consonant(6) + vowel(4) + consonant(0);
}

/** @returns {string} 80 random bits in 29 characters */
export const makePassword = () => Array.from(crypto.getRandomValues(new Uint16Array(5)), group).join("-");
