// SHA-256 (FIPS 180-4), in pieces. Web Crypto hashes only what is whole in memory, and takes some twenty times as long
// for the two short hashes that each entry of a log costs. `agreesWithWebCrypto` compares the two before anything is
// judged.

import { equal } from "./bytes.js";

const BLOCK_BYTES = 64;
const ROUND_CONSTANTS = fractionsOfRoots(64, 1 / 3);
const INITIAL_STATE = fractionsOfRoots(8, 1 / 2);
const SCHEDULE = new Int32Array(64);

/** A hash in the making: `update` as often as needed, then `digest` once. */
export class Sha256 {
  constructor() {
    this.state = INITIAL_STATE.slice();
    this.block = new Uint8Array(BLOCK_BYTES);
    this.filled = 0;
    this.length = 0;
  }

  /**
   * @param {Uint8Array} bytes
   * @returns {Sha256} this
   */
  update(bytes) {
    let place = 0;
    this.length += bytes.length;
    if (this.filled > 0) {
      place = Math.min(BLOCK_BYTES - this.filled, bytes.length);
      this.block.set(bytes.subarray(0, place), this.filled);
      this.filled += place;
      if (this.filled < BLOCK_BYTES) {
        return this;
      }
      compress(this.state, this.block, 0);
    }
    for (; place + BLOCK_BYTES <= bytes.length; place += BLOCK_BYTES) {
      compress(this.state, bytes, place);
    }
    this.block.set(bytes.subarray(place), 0);
    this.filled = bytes.length - place;
    return this;
  }

  /** @returns {Uint8Array} the 32 bytes */
  digest() {
    const bits = this.length * 8;
    const padding = new Uint8Array(((this.filled < 56 ? 56 : 120) - this.filled) + 8);
    padding[0] = 0x80;
    const lengths = new DataView(padding.buffer, padding.length - 8);
    lengths.setUint32(0, Math.floor(bits / 2 ** 32));
    lengths.setUint32(4, bits >>> 0);
    this.update(padding);
    const digest = new Uint8Array(32);
    const words = new DataView(digest.buffer);
    this.state.forEach((word, at) => words.setInt32(4 * at, word));
    return digest;
  }
}

/**
 * @param {...Uint8Array} parts
 * @returns {Uint8Array} the hash of the parts, one after another
 */
export function sha256(...parts) {
  const hash = new Sha256();
  for (const part of parts) {
    hash.update(part);
  }
  return hash.digest();
}

/**
 * Compares this SHA-256 with the browser's own, over every length that pads differently, whole and in two pieces.
 * @returns {Promise<boolean>}
 */
export async function agreesWithWebCrypto() {
  const bytes = Uint8Array.from({ length: 300 }, (_, at) => (at * 167 + 13) & 255);
  for (let length = 0; length <= bytes.length; length += length < 130 ? 1 : 17) {
    const expected = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes.subarray(0, length)));
    const middle = Math.floor(length / 3);
    const inPieces = sha256(bytes.subarray(0, middle), bytes.subarray(middle, length));
    if (!equal(sha256(bytes.subarray(0, length)), expected) || !equal(inPieces, expected)) {
      return false;
    }
  }
  return true;
}

/**
 * The first 32 bits of the fractional parts of roots of the first primes: where the standard takes its constants from.
 * @param {number} count
 * @param {number} power 1/2 or 1/3
 * @returns {Int32Array}
 */
function fractionsOfRoots(count, power) {
  const constants = new Int32Array(count);
  for (let found = 0, candidate = 2; found < count; candidate += 1) {
    let isPrime = true;
    for (let divisor = 2; divisor * divisor <= candidate; divisor += 1) {
      isPrime = isPrime && candidate % divisor !== 0;
    }
    if (isPrime) {
      const root = candidate ** power;
      constants[found] = (root - Math.floor(root)) * 2 ** 32;
      found += 1;
    }
  }
  return constants;
}

/**
 * Takes one block of 64 bytes into the state.
 * @param {Int32Array} state
 * @param {Uint8Array} bytes
 * @param {number} place where the block begins
 */
function compress(state, bytes, place) {
  const w = SCHEDULE;
  for (let t = 0, at = place; t < 16; t += 1, at += 4) {
    w[t] = (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
  }
  for (let t = 16; t < 64; t += 1) {
    const x = w[t - 15];
    const y = w[t - 2];
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    w[t] = (w[t - 16] + s0 + w[t - 7] + s1) | 0;
  }
  let a = state[0]; // one by one: taking the array apart in one step costs ten times as much
  let b = state[1];
  let c = state[2];
  let d = state[3];
  let e = state[4];
  let f = state[5];
  let g = state[6];
  let h = state[7];
  for (let t = 0; t < 64; t += 1) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + ROUND_CONSTANTS[t] + w[t]) | 0;
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + t2) | 0;
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
  state[4] += e;
  state[5] += f;
  state[6] += g;
  state[7] += h;
}
