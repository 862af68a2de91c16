// Where c2sp.org/tlog-tiles puts the parts of a log: each path has one spelling, and every other is refused.

import { Unusable } from "./bytes.js";

/** @typedef {{ level: number | null, index: number, width: number, name: string }} TilePath `level` null: entries */

export const WIDTH = 256;
const MAX_LEVEL = 63;
const PATH = /^tile\/(entries|0|[1-9][0-9]?)\/((?:x[0-9]{3}\/){0,4}[0-9]{3})(?:\.p\/([1-9][0-9]{0,2}))?$/;

/**
 * @param {number | null} level
 * @param {number} index
 * @param {number} width
 * @returns {TilePath}
 */
export function pathOf(level, index, width) {
  const groups = String(index).padStart(Math.ceil(String(index).length / 3) * 3, "0").match(/.../g) ?? [];
  const place = groups.map((group, at) => (at < groups.length - 1 ? `x${group}` : group)).join("/");
  return { level, index, width, name: `tile/${level ?? "entries"}/${place}${width === WIDTH ? "" : `.p/${width}`}` };
}

/**
 * @param {string} name
 * @returns {TilePath}
 */
export function parseTilePath(name) {
  const match = PATH.exec(name);
  if (match) {
    const level = match[1] === "entries" ? null : Number(match[1]);
    const width = match[3] === undefined ? WIDTH : Number(match[3]);
    const path = pathOf(level, Number(match[2].replace(/[x/]/g, "")), width);
    if (path.name === name && (level ?? 0) <= MAX_LEVEL && path.width <= WIDTH) {
      return path;
    }
  }
  throw new Unusable(`An export of a log has no file ${JSON.stringify(name).slice(0, 200)}.`);
}

/**
 * @param {TilePath} path
 * @returns {string} what a partial tile and the full one that takes its place have in common
 */
export function placeOf({ level, index }) {
  return `${level ?? "entries"}/${index}`;
}

/**
 * @param {TilePath} path
 * @returns {bigint} one more than the index of the last entry that it covers
 */
export function endOf({ level, index, width }) {
  return BigInt(index * WIDTH + width) << BigInt(8 * (level ?? 0));
}

/**
 * @param {bigint} size
 * @returns {Generator<TilePath>} what a log of this size consists of: its entry bundles, then its tiles, level by level
 */
export function* pathsOf(size) {
  yield* partsOf(null, size);
  for (let level = 0; level <= MAX_LEVEL; level += 1) {
    yield* partsOf(level, size);
  }
}

/**
 * @param {number | null} level
 * @param {bigint} size
 * @returns {Generator<TilePath>}
 */
export function* partsOf(level, size) {
  const count = Number(size >> BigInt(8 * (level ?? 0)));
  const full = Math.floor(count / WIDTH);
  for (let index = 0; index < full; index += 1) {
    yield pathOf(level, index, WIDTH);
  }
  if (count % WIDTH > 0) {
    yield pathOf(level, full, count % WIDTH);
  }
}
