/** A fast generator of random 32-bit words (xoshiro128**), seeded from `Math.random`, which V8 seeds from the system; not for secrets. */

/** A source of uniform signed 32-bit words. */
export interface RandomWords {
  next(): number;
}

const randomSeed = (): Int32Array => Int32Array.from({ length: 4 }, () => Math.random() * 2 ** 32);

/** A generator with its own state; `seed` needs four words that are not all 0. */
export function createRandomWords(seed = randomSeed()): RandomWords {
  let a = seed[0]! | 1; // never all 0, the one state that xoshiro does not leave
  let b = seed[1]!;
  let c = seed[2]!;
  let d = seed[3]!;
  return {
    next() {
      const scrambled = Math.imul(b, 5);
      const result = Math.imul((scrambled << 7) | (scrambled >>> 25), 9);
      const shifted = b << 9;
      c ^= a;
      d ^= b;
      b ^= c;
      a ^= d;
      c ^= shifted;
      d = (d << 11) | (d >>> 21);
      return result;
    },
  };
}
