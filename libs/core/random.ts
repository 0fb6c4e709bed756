/** Seeded random numbers. A seed is derived per purpose and key, so that a draw does not depend on the order of others. */

/** FNV-1a over UTF-16 code units, finished as in MurmurHash3; 32 bits, unsigned. */
export function hashString(text: string, seed = 0): number {
  let hash = (0x811c9dc5 ^ seed) >>> 0;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return mixBits(hash);
}

/** Finaliser of MurmurHash3 (Appleby): spreads 32 bits over 32 bits, one to one. */
export function mixBits(value: number): number {
  let hash = value >>> 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b) >>> 0;
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35) >>> 0;
  return (hash ^ (hash >>> 16)) >>> 0;
}

export interface Random {
  /** Uniform in [0, 1), 32 bits fine. */
  next(): number;
  /** Uniform whole number in [0, limit). */
  below(limit: number): number;
  /** Standard normal (Box and Muller). */
  normal(): number;
}

/** sfc32 (Doty-Humphrey), 128 bits of state. The same seed gives the same numbers on every machine. */
export function createRandom(seed: number, key = ""): Random {
  let a = mixBits(seed);
  let b = hashString(key, 0x9e3779b9);
  let c = mixBits(seed ^ 0x243f6a88);
  let counter = 1;
  const next32 = (): number => {
    const sum = (a + b + counter) >>> 0;
    counter = (counter + 1) >>> 0;
    a = (b ^ (b >>> 9)) >>> 0;
    b = (c + (c << 3)) >>> 0;
    c = (((c << 21) | (c >>> 11)) + sum) >>> 0;
    return sum;
  };
  for (let i = 0; i < 12; i++) next32();
  const next = (): number => next32() / 4294967296;
  return {
    next,
    below: (limit) => Math.floor(next() * limit),
    normal: () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
  };
}

/** In place (Fisher and Yates): every order is as likely. */
export function shuffle(values: { readonly length: number; [at: number]: unknown }, random: Random): void {
  for (let i = values.length - 1; i > 0; i--) {
    const other = random.below(i + 1);
    [values[i], values[other]] = [values[other], values[i]];
  }
}
