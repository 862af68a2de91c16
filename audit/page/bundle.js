// Evidence bundles: every entry of a log up to its latest checkpoint, the leaf hashes, every checkpoint, and the key.

import { HASH_BYTES, NoteProblem, NotProved, Unusable, equal, fromHex, fromUtf8 } from "./bytes.js";
import { EntryNotes, MAX_ENTRY_BYTES } from "./entry.js";
import { Frontier, leafHash } from "./merkle.js";
import { parseCheckpoint, parseNote, parseVerifierKey, requireSigned } from "./note.js";

/**
 * @typedef {import("./note.js").VerifierKey} VerifierKey
 * @typedef {import("./note.js").Checkpoint} Checkpoint
 * @typedef {import("./policy.js").Policy} Policy
 * @typedef {import("./receipt.js").Trust} Trust
 * @typedef {import("./zip.js").StoredZip} StoredZip
 * @typedef {(done: number, whole: number) => void} Progress
 */

const CHECKPOINTS = "checkpoints/";
const MEMBERS = ["README.txt", "entries.jsonl", "leaf-hashes.txt", "log.vkey"];
const MAX_SMALL_BYTES = 256 * 1024;

/**
 * @param {StoredZip} zip
 * @param {Trust} trust
 * @param {Progress} progress
 */
export async function verifyBundle(zip, trust, progress) {
  requireMembers(zip);
  const key = await trustedKey(zip, trust);
  const checkpoints = await readCheckpoints(zip, key);
  const latest = checkpoints[checkpoints.length - 1];
  const cosigned = trust.policy === null ? new Map() : await seenBy(await small(zip, nameOf(latest)), trust.policy);
  const reading = await readEntries(zip, checkpoints, progress);
  await judge(zip, checkpoints, reading);
  return { key, cosigned, latest, signed: checkpoints.length, wentOn: reading.notes.wentOn };
}

/** @param {StoredZip} zip */
function requireMembers({ members }) {
  if ([...members.keys()].some((name) => !MEMBERS.includes(name) && !name.startsWith(CHECKPOINTS))) {
    throw new Unusable("The file holds members that an evidence bundle does not have.");
  }
  const missing = MEMBERS.filter((name) => !members.has(name));
  if (missing.length > 0) {
    throw new Unusable(`The file is not an evidence bundle; missing in it: ${missing.join(", ")}.`);
  }
}

/**
 * @param {StoredZip} zip
 * @param {string} name
 * @returns {Promise<Uint8Array>}
 */
async function small(zip, name) {
  return /** @type {Uint8Array} */ (await zip.read(name, MAX_SMALL_BYTES));
}

/**
 * @param {Checkpoint} checkpoint
 * @returns {string} the member that holds it
 */
function nameOf({ size }) {
  return `${CHECKPOINTS}${String(size).padStart(20, "0")}.txt`;
}

/**
 * @param {Uint8Array} content
 * @param {Policy} policy
 * @returns {Promise<Map<string, bigint>>}
 */
async function seenBy(content, policy) {
  try {
    return await policy.requireAgreement(parseNote(content));
  } catch (error) {
    throw error instanceof NoteProblem
      ? new NotProved(`The latest checkpoint is not what the policy asks for: ${error.message}`)
      : error;
  }
}

/**
 * @param {StoredZip} zip
 * @param {Trust} trust
 * @returns {Promise<VerifierKey>}
 */
async function trustedKey(zip, { key, policy }) {
  const content = fromUtf8(await small(zip, "log.vkey"));
  let enclosed;
  try {
    enclosed = parseVerifierKey((content ?? "").replace(/\n$/, ""));
  } catch (error) {
    throw error instanceof NoteProblem
      ? new NotProved(`The public key in the bundle cannot be read: ${error.message}`)
      : error;
  }
  if (key !== null && enclosed.text !== key.text) {
    throw new NotProved(`The bundle comes with the key ${enclosed.text}, not with the key you trust, ${key.text}.`);
  }
  const named = policy === null || policy.logs.length === 0 ? [enclosed] : policy.logKeys(enclosed.name);
  if (!named.some(({ text }) => text === enclosed.text)) {
    throw new NotProved(`The bundle comes with the key ${enclosed.text}, which the policy does not name.`);
  }
  return enclosed;
}

/**
 * @param {StoredZip} zip
 * @param {VerifierKey} key
 * @returns {Promise<Checkpoint[]>} every checkpoint, smallest first
 */
async function readCheckpoints(zip, key) {
  const checkpoints = [];
  for (const name of [...zip.members.keys()].filter((each) => each.startsWith(CHECKPOINTS)).sort()) {
    const checkpoint = await openCheckpoint(await small(zip, name), key, name);
    if (nameOf(checkpoint) !== name) {
      throw new NotProved(`The checkpoint ${name} is of another size, ${checkpoint.size}.`);
    }
    checkpoints.push(checkpoint);
  }
  if (checkpoints.length === 0) {
    throw new Unusable("The file is not an evidence bundle: it has no checkpoint.");
  }
  return checkpoints;
}

/**
 * @param {Uint8Array} content
 * @param {VerifierKey} key
 * @param {string} name
 * @returns {Promise<Checkpoint>}
 */
async function openCheckpoint(content, key, name) {
  try {
    const note = parseNote(content);
    await requireSigned(note, [key]);
    const checkpoint = parseCheckpoint(note.text);
    if (checkpoint.origin !== key.name) {
      throw new NoteProblem(`The checkpoint is of the log ${checkpoint.origin}, the key of ${key.name}.`);
    }
    return checkpoint;
  } catch (error) {
    throw error instanceof NoteProblem
      ? new NotProved(`The checkpoint ${name} proves nothing: ${error.message}`)
      : error;
  }
}

/**
 * @typedef {{ roots: Map<bigint, Uint8Array>, firstChanged: number | null, notes: EntryNotes }} Reading
 *   the roots over the entries, the first entry that does not hash to its line, and what was noted of them
 */

/**
 * @param {StoredZip} zip
 * @param {Checkpoint[]} checkpoints
 * @param {Progress} progress
 * @returns {Promise<Reading>}
 */
async function readEntries(zip, checkpoints, progress) {
  const tree = new Frontier();
  const wanted = new Set(checkpoints.map(({ size }) => size));
  const most = checkpoints[checkpoints.length - 1].size;
  /** @type {Reading} */
  const reading = { roots: new Map([[0n, tree.root()]]), firstChanged: null, notes: new EntryNotes() };
  const entries = await zip.lines("entries.jsonl", MAX_ENTRY_BYTES);
  const hashes = await zip.lines("leaf-hashes.txt", 2 * HASH_BYTES);
  for (let entry = await entries.next(); entry !== null; entry = await entries.next()) {
    const leaf = leafHash(entry);
    const listed = await hashes.next();
    if (reading.firstChanged === null && (listed === null || !equal(leaf, listedHash(listed)))) {
      reading.firstChanged = tree.size;
    }
    reading.notes.read(tree.size, entry);
    tree.append(leaf);
    if (wanted.has(BigInt(tree.size))) {
      reading.roots.set(BigInt(tree.size), tree.root());
    }
    if (tree.size % 1024 === 0) {
      progress(tree.size, Number(most));
    }
  }
  if ((await hashes.next()) !== null || BigInt(tree.size) !== most) {
    throw new NotProved(`The checkpoint counts ${most} entries; the bundle holds ${tree.size}.`);
  }
  return reading;
}

/**
 * Refuses, naming the first bad entry as closely as can be known, unless everything agrees.
 * @param {StoredZip} zip
 * @param {Checkpoint[]} checkpoints
 * @param {Reading} reading
 */
async function judge(zip, checkpoints, { roots, firstChanged, notes }) {
  const good = checkpoints.filter(({ size, root }) => equal(/** @type {Uint8Array} */ (roots.get(size)), root));
  const latest = checkpoints[checkpoints.length - 1];
  if (good.length < checkpoints.length) {
    if (firstChanged !== null && equal(await listedRoot(zip, latest.size), latest.root)) {
      throw new NotProved(`Entry ${firstChanged} is not the one that was logged: its leaf hash differs.`);
    }
    const since = firstChanged ?? good.reduce((size, each) => (each.size > size ? each.size : size), 0n);
    throw new NotProved(`The entries are not those that were signed for, from entry ${since} on or later.`);
  }
  if (firstChanged !== null) {
    throw new NotProved(
      `Leaf hash ${firstChanged} of the list is wrong; the entries are what the checkpoints state.`,
    );
  }
  if (notes.unreadable !== "") {
    throw new NotProved(notes.unreadable);
  }
}

/**
 * @param {StoredZip} zip
 * @param {bigint} size
 * @returns {Promise<Uint8Array>} the root over the listed leaf hashes, a missing one counting as zeros
 */
async function listedRoot(zip, size) {
  const tree = new Frontier();
  const hashes = await zip.lines("leaf-hashes.txt", 2 * HASH_BYTES);
  while (BigInt(tree.size) < size) {
    const line = await hashes.next();
    tree.append(line === null ? new Uint8Array(HASH_BYTES) : listedHash(line));
  }
  return tree.root();
}

/**
 * @param {Uint8Array} line
 * @returns {Uint8Array} the hash, or zeros where the line is none
 */
function listedHash(line) {
  const text = fromUtf8(line) ?? "";
  return /^[0-9a-f]{64}$/.test(text) ? fromHex(text) : new Uint8Array(HASH_BYTES);
}
