// A whole log as c2sp.org/tlog-tiles in one zip: everything follows from the checkpoint's size, every tile is compared
// with what the entries give, and every narrower tile of an earlier export with the one that took its place.

import { HASH_BYTES, NoteProblem, NotProved, equal } from "./bytes.js";
import { EntryNotes, MAX_ENTRY_BYTES } from "./entry.js";
import { Frontier, leafHash, rootOf } from "./merkle.js";
import { MAX_NOTE_BYTES, parseCheckpoint, parseNote } from "./note.js";
import { requireTrusted } from "./receipt.js";
import { WIDTH, endOf, parseTilePath, partsOf, pathOf, pathsOf, placeOf } from "./tile-paths.js";

/**
 * @typedef {import("./bundle.js").Progress} Progress
 * @typedef {import("./receipt.js").Trust} Trust
 * @typedef {import("./zip.js").StoredZip} StoredZip
 * @typedef {import("./tile-paths.js").TilePath} TilePath
 */

export const CHECKPOINT = "checkpoint";

const MAX_PART_BYTES = WIDTH * (MAX_ENTRY_BYTES + 2);

/**
 * @param {StoredZip} zip
 * @param {Trust} trust
 * @param {Progress} progress
 */
export async function verifyTiles(zip, trust, progress) {
  const present = [...zip.members.keys()].filter((name) => name !== CHECKPOINT).sort().map(parseTilePath);
  const content = /** @type {Uint8Array} */ (await zip.read(CHECKPOINT, MAX_NOTE_BYTES));
  const { note, checkpoint } = opened(content);
  const { key, cosigned } = await requireTrusted(note, trust, "An export");
  const reading = await readEntries(zip, checkpoint.size, progress);
  await judge(zip, checkpoint, reading);
  const required = new Map([...pathsOf(checkpoint.size)].map((path) => [placeOf(path), path]));
  let earlier = 0;
  for (const path of present) {
    const successor = required.get(placeOf(path));
    if (endOf(path) <= checkpoint.size && successor && successor.name !== path.name) {
      await requireEarlier(zip, path, successor);
      earlier += 1;
    }
  }
  const parts = required.size + earlier;
  const beyond = present.length - parts;
  return { key, cosigned, latest: checkpoint, parts, beyond, wentOn: reading.notes.wentOn };
}

/** @param {Uint8Array} content */
function opened(content) {
  try {
    const note = parseNote(content);
    return { note, checkpoint: parseCheckpoint(note.text) };
  } catch (error) {
    throw error instanceof NoteProblem ? new NotProved(`The checkpoint proves nothing: ${error.message}`) : error;
  }
}

/**
 * @typedef {{ root: Uint8Array, wrong: string, changed: number | null, notes: EntryNotes }} Reading the root over the
 *   entries, the first wrong tile, the first entry that its tile lists otherwise, and what was noted of them
 */

/**
 * @param {StoredZip} zip
 * @param {bigint} size
 * @param {Progress} progress
 * @returns {Promise<Reading>}
 */
async function readEntries(zip, size, progress) {
  const tree = new Frontier();
  /** @type {Reading} */
  const reading = { root: tree.root(), wrong: "", changed: null, notes: new EntryNotes() };
  /** @type {Uint8Array[][]} */
  const levels = [];
  for (const path of partsOf(null, size)) {
    const content = await zip.read(path.name, MAX_PART_BYTES);
    if (content === null) {
      const first = path.index * WIDTH;
      throw new NotProved(`${path.name} is missing, and with it the entries ${first} to ${first + path.width - 1}.`);
    }
    for (const entry of splitBundle(path, content)) {
      const leaf = leafHash(entry);
      reading.notes.read(tree.size, entry);
      tree.append(leaf);
      await addHash(zip, levels, leaf, tree.size, reading);
    }
    progress(tree.size, Number(size));
  }
  for (const [level, hashes] of levels.entries()) {
    if (hashes.length > 0) {
      await compare(zip, pathOf(level, Math.floor(tree.size / WIDTH ** (level + 1)), hashes.length), hashes, reading);
    }
  }
  reading.root = tree.root();
  return reading;
}

/**
 * Adds a leaf hash, and compares each tile that it completes.
 * @param {StoredZip} zip
 * @param {Uint8Array[][]} levels the unfinished tile of each level
 * @param {Uint8Array} leaf
 * @param {number} size
 * @param {Reading} reading
 */
async function addHash(zip, levels, leaf, size, reading) {
  let hash = leaf;
  for (let level = 0, count = size; ; level += 1) {
    levels[level] ??= [];
    levels[level].push(hash);
    if (levels[level].length < WIDTH) {
      return;
    }
    count = Math.floor(count / WIDTH);
    await compare(zip, pathOf(level, count - 1, WIDTH), levels[level], reading);
    hash = rootOf(levels[level]);
    levels[level] = [];
  }
}

/**
 * @param {StoredZip} zip
 * @param {TilePath} path
 * @param {Uint8Array[]} hashes
 * @param {Reading} reading
 */
async function compare(zip, path, hashes, reading) {
  const found = await zip.read(path.name, MAX_PART_BYTES);
  if (found === null) {
    reading.wrong ||= `${path.name} is missing`;
    return;
  }
  const differing = hashes.findIndex((hash, at) => !equal(hash, hashAt(found, at)));
  if (differing >= 0 || found.length !== path.width * HASH_BYTES) {
    const first = differing >= 0 ? differing : path.width;
    reading.wrong ||= `${path.name} is wrong at its hash ${first}`;
    reading.changed ??= path.level === 0 ? path.index * WIDTH + first : null;
  }
}

/**
 * Refuses, naming the first bad entry as closely as can be known, unless everything agrees.
 * @param {StoredZip} zip
 * @param {import("./note.js").Checkpoint} checkpoint
 * @param {Reading} reading
 */
async function judge(zip, { size, root }, reading) {
  const { changed } = reading;
  if (!equal(reading.root, root)) {
    if (changed !== null && equal((await listedRoot(zip, size)) ?? new Uint8Array(), root)) {
      throw new NotProved(`Entry ${changed} is not the one that was logged: its leaf hash differs.`);
    }
    const first = changed === null ? "" : ` The first that its tile lists otherwise is entry ${changed}.`;
    throw new NotProved(`The ${size} entries are not those that were signed for.${first}`);
  }
  if (reading.wrong !== "") {
    throw new NotProved(`${reading.wrong}; the entries are what the checkpoint states.`);
  }
  if (reading.notes.unreadable !== "") {
    throw new NotProved(reading.notes.unreadable);
  }
}

/**
 * @param {StoredZip} zip
 * @param {bigint} size
 * @returns {Promise<Uint8Array | null>} the root over the leaf hashes that the tiles list; null where one is not whole
 */
async function listedRoot(zip, size) {
  const tree = new Frontier();
  for (const path of partsOf(0, size)) {
    const content = await zip.read(path.name, MAX_PART_BYTES);
    if (content === null || content.length !== path.width * HASH_BYTES) {
      return null;
    }
    for (let at = 0; at < path.width; at += 1) {
      tree.append(hashAt(content, at));
    }
  }
  return tree.root();
}

/**
 * Refuses unless a part of an earlier export begins the one that took its place.
 * @param {StoredZip} zip
 * @param {TilePath} path
 * @param {TilePath} successor
 */
async function requireEarlier(zip, path, successor) {
  const content = (await zip.read(path.name, MAX_PART_BYTES)) ?? new Uint8Array();
  const whole = (await zip.read(successor.name, MAX_PART_BYTES)) ?? new Uint8Array();
  if (path.level === null) {
    splitBundle(path, content);
  }
  const isWhole = path.level === null || content.length === path.width * HASH_BYTES;
  if (!isWhole || !equal(content, whole.subarray(0, content.length))) {
    throw new NotProved(`${path.name}, of an earlier export, is not how ${successor.name} begins.`);
  }
}

/**
 * @param {TilePath} path
 * @param {Uint8Array} content
 * @returns {Uint8Array[]} the entries of an entry bundle
 */
function splitBundle(path, content) {
  const entries = [];
  let place = 0;
  for (let number = 0; number < path.width; number += 1) {
    const start = place + 2;
    const stop = start + (content[place] ?? 0) * 256 + (content[place + 1] ?? 0);
    if (stop > content.length) {
      throw new NotProved(`Entry ${path.index * WIDTH + number} is not whole: ${path.name} ends too soon.`);
    }
    entries.push(content.subarray(start, stop));
    place = stop;
  }
  if (place !== content.length) {
    const last = path.index * WIDTH + path.width - 1;
    throw new NotProved(`After entry ${last}, ${path.name} goes on: the export is damaged there.`);
  }
  return entries;
}

/**
 * @param {Uint8Array} content
 * @param {number} place
 * @returns {Uint8Array}
 */
function hashAt(content, place) {
  return content.subarray(place * HASH_BYTES, (place + 1) * HASH_BYTES);
}
