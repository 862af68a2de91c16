// C2SP signed notes, verifier keys, checkpoints and cosignatures (c2sp.org/signed-note, tlog-checkpoint,
// tlog-cosignature), with Ed25519. A note has one valid byte sequence; a signature of a known key that does not verify
// refuses the whole note, those of other keys are passed over.

import { HASH_BYTES, NoteProblem, fromBase64, fromUtf8, hex, utf8 } from "./bytes.js";
import { sha256 } from "./sha256.js";

/**
 * @typedef {{ name: string, publicKey: Uint8Array, kind: number, keyId: string, text: string }} VerifierKey
 * @typedef {{ name: string, keyId: string, signature: Uint8Array }} NoteSignature
 * @typedef {{ text: string, signatures: NoteSignature[] }} Note
 * @typedef {{ origin: string, size: bigint, root: Uint8Array }} Checkpoint
 */

export const MAX_NOTE_BYTES = 256 * 1024;
export const LOG = 0x01;
export const COSIGNER = 0x04;

const MAX_SIGNATURES = 64;
const KINDS = { [LOG]: "an Ed25519 key of a log", [COSIGNER]: "an Ed25519 key of a cosigner" };
const KEY_ID_BYTES = 4;
const TIME_BYTES = 8;
const SIGNATURE_BYTES = 64;
const MAX_TIME = 2n ** 63n - 1n;
const MARK = "\u2014 ";
const CONTROL = /[\x00-\x09\x0b-\x1f]/;
const SPACE = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;

/**
 * The key in its text form, `<name>+<key id>+<base64(kind || key)>`.
 * @param {string} text
 * @param {1 | 4} kind LOG or COSIGNER
 * @returns {VerifierKey}
 */
export function parseVerifierKey(text, kind = LOG) {
  const match = /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(text);
  if (!match) {
    throw new NoteProblem("A verifier key is written <name>+<8 hexadecimal digits>+<base64>.");
  }
  const [, name, keyId, encoded] = match;
  const typed = fromBase64(encoded);
  if (typed[0] !== kind) {
    throw new NoteProblem(`The verifier key is not ${KINDS[kind]}.`);
  }
  requireKeyName(name);
  if (typed.length !== 1 + HASH_BYTES) {
    throw new NoteProblem("An Ed25519 public key has 32 bytes.");
  }
  if (hex(sha256(utf8(`${name}\n`), typed).subarray(0, KEY_ID_BYTES)) !== keyId) {
    throw new NoteProblem("The verifier key's id does not belong to its name and key; it may have been mistyped.");
  }
  return { name, publicKey: typed.subarray(1), kind, keyId, text };
}

/** @param {string} name */
function requireKeyName(name) {
  if (name === "" || name.includes("+") || SPACE.test(name) || CONTROL.test(name)) {
    throw new NoteProblem("The name of a key is not empty and has no white space and no plus sign.");
  }
}

/**
 * @param {Uint8Array} bytes
 * @returns {Note} nothing in it is verified yet
 */
export function parseNote(bytes) {
  const decoded = fromUtf8(bytes);
  if (decoded === null) {
    throw new NoteProblem("The note is not UTF-8.");
  }
  if (bytes.length > MAX_NOTE_BYTES) {
    throw new NoteProblem("The note is too long.");
  }
  const middle = decoded.lastIndexOf("\n\n");
  const lines = decoded.slice(middle + 2).split("\n");
  if (middle < 0 || lines.pop() !== "" || lines.length === 0) {
    throw new NoteProblem("A signed note is a text, an empty line and at least one signature line.");
  }
  if (lines.length > MAX_SIGNATURES) {
    throw new NoteProblem(`The note has more than ${MAX_SIGNATURES} signatures.`);
  }
  const text = decoded.slice(0, middle + 1);
  if (CONTROL.test(text)) {
    throw new NoteProblem("The text of a note ends in a newline and holds no other control character.");
  }
  return { text, signatures: lines.map(parseSignature) };
}

/**
 * @param {string} line
 * @returns {NoteSignature}
 */
function parseSignature(line) {
  const space = line.indexOf(" ", MARK.length);
  if (!line.startsWith(MARK) || space < 0) {
    throw new NoteProblem("A signature line of the note is malformed.");
  }
  const name = line.slice(MARK.length, space);
  requireKeyName(name);
  const raw = fromBase64(line.slice(space + 1));
  if (raw.length <= KEY_ID_BYTES) {
    throw new NoteProblem("A signature of the note is too short.");
  }
  return { name, keyId: hex(raw.subarray(0, KEY_ID_BYTES)), signature: raw.subarray(KEY_ID_BYTES) };
}

/**
 * @param {Note} note
 * @param {VerifierKey[]} keys
 * @returns {[NoteSignature, VerifierKey][]} the signatures that name a known key; none is verified yet
 */
export function signaturesOf(note, keys) {
  return note.signatures.flatMap((signature) =>
    keys
      .filter((key) => key.name === signature.name && key.keyId === signature.keyId)
      .map((key) => /** @type {[NoteSignature, VerifierKey]} */ ([signature, key])),
  );
}

/**
 * Refuses unless a known key signed the note, and no signature of a known key is false.
 * @param {Note} note
 * @param {VerifierKey[]} keys
 */
export async function requireSigned(note, keys) {
  const signatures = signaturesOf(note, keys);
  for (const [{ signature }, key] of signatures) {
    await requireSignature(key, signature, utf8(note.text));
  }
  if (signatures.length === 0) {
    throw new NoteProblem("No known key signed the note.");
  }
}

/**
 * When each of these cosigners says that it saw the checkpoint (POSIX seconds), by the text of its key.
 * @param {Note} note
 * @param {VerifierKey[]} keys
 * @returns {Promise<Map<string, bigint>>}
 */
export async function cosignedAt(note, keys) {
  /** @type {Map<string, bigint>} */
  const times = new Map();
  for (const [{ signature }, key] of signaturesOf(note, keys)) {
    if (signature.length !== TIME_BYTES + SIGNATURE_BYTES) {
      throw new NoteProblem(`The cosignature of ${key.name} is not a time and an Ed25519 signature.`);
    }
    const time = BigInt(`0x${hex(signature.subarray(0, TIME_BYTES))}`);
    if (time > MAX_TIME) {
      throw new NoteProblem(`The cosignature of ${key.name} bears a time out of range.`);
    }
    await requireSignature(key, signature.subarray(TIME_BYTES), utf8(`cosignature/v1\ntime ${time}\n${note.text}`));
    const before = times.get(key.text);
    times.set(key.text, before !== undefined && before > time ? before : time);
  }
  return times;
}

/**
 * @param {VerifierKey} key
 * @param {Uint8Array} signature
 * @param {Uint8Array} message
 */
async function requireSignature(key, signature, message) {
  if (!(await isSignature(key.publicKey, signature, message))) {
    throw new NoteProblem(`The signature of ${key.name} does not belong to this note.`);
  }
}

/**
 * @param {Uint8Array} publicKey
 * @param {Uint8Array} signature
 * @param {Uint8Array} message
 * @returns {Promise<boolean>} false for a key that is no point of the curve, too
 */
async function isSignature(publicKey, signature, message) {
  try {
    const key = await crypto.subtle.importKey("raw", publicKey, { name: "Ed25519" }, false, ["verify"]);
    return await crypto.subtle.verify({ name: "Ed25519" }, key, signature, message);
  } catch (error) {
    if (error instanceof DOMException && error.name === "NotSupportedError") {
      throw error;
    }
    return false;
  }
}

/**
 * Whether this browser knows Ed25519: it must accept the first vector of RFC 8032, and refuse it with one bit changed.
 * @returns {Promise<boolean>}
 */
export async function knowsEd25519() {
  const publicKey = fromBase64("11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
  const signature = fromBase64(
    "5VZDAMNgrHKQhuLMgG6CioSHfx645dl02HPgZSJJAVVfuIIVkKM7rMYeOXAc+bRr0lv18FlbviRlUUFDjnoQCw==",
  );
  const changed = signature.map((byte, at) => (at === 40 ? byte ^ 1 : byte));
  try {
    const message = new Uint8Array();
    return (await isSignature(publicKey, signature, message)) && !(await isSignature(publicKey, changed, message));
  } catch {
    return false;
  }
}

/**
 * @param {string} text the text of a note
 * @returns {Checkpoint}
 */
export function parseCheckpoint(text) {
  const lines = text.split("\n");
  if (lines.pop() !== "" || lines.length < 3 || !/^(?:0|[1-9][0-9]{0,18})$/.test(lines[1])) {
    throw new NoteProblem("A checkpoint has a line with its origin, one with its size and one with its root hash.");
  }
  const [origin, size, encoded, ...extensions] = lines;
  const root = fromBase64(encoded);
  requireKeyName(origin);
  if (root.length !== HASH_BYTES) {
    throw new NoteProblem("A checkpoint has a size of zero or more and a root hash of 32 bytes.");
  }
  if (extensions.includes("")) {
    throw new NoteProblem("An extension line of a checkpoint is not empty and is one line.");
  }
  return { origin, size: BigInt(size), root };
}
