// RFC 9162, section 2.1: the hashes of a Merkle tree, and inclusion proofs.

import { HASH_BYTES, NotProved, equal } from "./bytes.js";
import { sha256 } from "./sha256.js";

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

/**
 * @param {Uint8Array} entry
 * @returns {Uint8Array} SHA-256(0x00 || entry)
 */
export function leafHash(entry) {
  return sha256(LEAF, entry);
}

/**
 * @param {Uint8Array} left
 * @param {Uint8Array} right
 * @returns {Uint8Array} SHA-256(0x01 || left || right)
 */
export function nodeHash(left, right) {
  return sha256(NODE, left, right);
}

/** The right edge of a growing tree: the full subtrees that wait for a right neighbour, one a level at most. */
export class Frontier {
  constructor() {
    this.size = 0;
    /** @type {(Uint8Array | null)[]} */
    this.waiting = [];
  }

  /** @param {Uint8Array} leaf */
  append(leaf) {
    let level = 0;
    let current = leaf;
    for (let left = this.waiting[0]; left; left = this.waiting[level]) {
      current = nodeHash(left, current);
      this.waiting[level] = null;
      level += 1;
    }
    this.waiting[level] = current;
    this.size += 1;
  }

  /** @returns {Uint8Array} the root hash of the tree as it stands */
  root() {
    /** @type {Uint8Array | null} */
    let folded = null;
    for (const left of this.waiting) {
      if (left) {
        folded = folded ? nodeHash(left, folded) : left;
      }
    }
    return folded ?? sha256();
  }
}

/**
 * @param {Uint8Array[]} leaves
 * @returns {Uint8Array} the root hash over these leaf hashes
 */
export function rootOf(leaves) {
  const frontier = new Frontier();
  leaves.forEach((leaf) => frontier.append(leaf));
  return frontier.root();
}

/**
 * Refuses unless the proof leads from the leaf hash at `index` to the root at `size` (RFC 9162, 2.1.3.2).
 * @param {Uint8Array} leaf
 * @param {bigint} index
 * @param {bigint} size
 * @param {Uint8Array[]} proof
 * @param {Uint8Array} root
 */
export function requireInclusion(leaf, index, size, proof, root) {
  if (index < 0n || index >= size) {
    throw new NotProved(`There is no entry ${index} in a tree of ${size}.`);
  }
  let position = index;
  let last = size - 1n;
  let current = leaf;
  for (const sibling of proof) {
    if (last === 0n || sibling.length !== HASH_BYTES) {
      throw new NotProved("The inclusion proof is too long.");
    }
    if ((position & 1n) === 1n || position === last) {
      current = nodeHash(sibling, current);
      while ((position & 1n) === 0n && position !== 0n) {
        position >>= 1n;
        last >>= 1n;
      }
    } else {
      current = nodeHash(current, sibling);
    }
    position >>= 1n;
    last >>= 1n;
  }
  if (last !== 0n) {
    throw new NotProved("The inclusion proof is too short.");
  }
  if (!equal(current, root)) {
    throw new NotProved("The inclusion proof leads to another root hash.");
  }
}
