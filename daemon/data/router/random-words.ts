/** A fast generator of random 32-bit words (xoshiro128**), seeded once from the system; not for secrets. */
import { randomFillSync } from "node:crypto";

/** A source of uniform signed 32-bit words. */
export interface RandomWords {
  next(): number;
}

/** A generator with its own state; `seed` needs four words that are not all 0. */
export function createRandomWords(seed: Int32Array = randomFillSync(new Int32Array(4))): RandomWords {
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
