// Receipts: a c2sp.org/tlog-proof whose extra data carry the entry and what opens its commitments. The entry counts
// because the proof leads from its hash to what was signed; the words beside it count for nothing.

import { HASH_BYTES, NoteProblem, NotProved, Unusable, fromBase64, fromHex, fromUtf8, hex, utf8 } from "./bytes.js";
import { EntryProblem, decodeEntry, isObject } from "./entry.js";
import { leafHash, requireInclusion } from "./merkle.js";
import { parseCheckpoint, parseNote, requireSigned, signaturesOf } from "./note.js";

/**
 * @typedef {import("./note.js").VerifierKey} VerifierKey
 * @typedef {import("./note.js").Note} Note
 * @typedef {import("./policy.js").Policy} Policy
 * @typedef {import("./entry.js").Entry} Entry
 * @typedef {{ salt: string, value: string }} Opening
 * @typedef {{ key: VerifierKey | null, policy: Policy | null }} Trust
 */

export const MAGIC = utf8("c2sp.org/tlog-proof@v1\n");
export const MAX_PROOF_BYTES = 1024 * 1024;

const MAX_HASHES = 63;
const MAX_EXTRA_BYTES = 512 * 1024;
const FIELD = /^[a-z][a-z0-9_]{0,39}$/;
const LONE_SURROGATE = /(?:^|[^\\])(?:\\\\)*\\ud[89a-f]/;
const SALT = /^(?:[0-9a-f]{2}){16,64}$/;

/**
 * @param {Uint8Array} content
 * @param {Trust} trust
 * @param {(() => Promise<Uint8Array>) | null} digestDocument
 */
export async function verifyReceipt(content, trust, digestDocument) {
  const { index, hashes, note, extra } = parseProof(content);
  const { encoded, opened } = parseExtra(extra);
  const digest = digestDocument === null ? null : hex(await digestDocument());
  const checkpoint = parseCheckpoint(note.text);
  const { key, cosigned } = await requireTrusted(note, trust, "A receipt");
  try {
    requireInclusion(leafHash(encoded), index, checkpoint.size, hashes, checkpoint.root);
  } catch (error) {
    throw new NotProved(`The entry is not the one that was signed for at index ${index}: ${messageOf(error)}`);
  }
  const entry = decoded(encoded);
  for (const [name, { salt, value }] of Object.entries(opened)) {
    if (!Object.hasOwn(entry.details, name) || entry.details[name] !== (await commitment(value, salt))) {
      throw new NotProved(`The entry does not commit to the value that the receipt gives for ${name}.`);
    }
  }
  if (digest !== null) {
    requireDocument(entry, digest);
  }
  return { key, cosigned, index, checkpoint, entry, opened };
}

/**
 * The key that signed the checkpoint, and who cosigned it; the key given and the policy must both agree.
 * @param {Note} note
 * @param {Trust} trust
 * @param {string} what that lacks a key, where none is given
 * @returns {Promise<{ key: VerifierKey, cosigned: Map<string, bigint> }>}
 */
export async function requireTrusted(note, { key, policy }, what) {
  const { origin } = parseCheckpoint(note.text);
  const keys = key ? [key] : (policy?.logKeys(origin) ?? []);
  if (keys.length === 0 && (policy === null || policy.logs.length === 0)) {
    throw new Unusable(`${what} does not hold the log's key. Take it from where the service publishes it.`);
  }
  let cosigned = new Map();
  try {
    await requireSigned(note, keys);
    cosigned = policy === null ? cosigned : await policy.requireAgreement(note);
  } catch (error) {
    throw error instanceof NoteProblem ? new NotProved(`The checkpoint proves nothing: ${error.message}`) : error;
  }
  const [[, signedBy]] = signaturesOf(note, keys);
  if (signedBy.name !== origin) {
    throw new NotProved(`The checkpoint is of the log ${origin}, the key of ${signedBy.name}.`);
  }
  return { key: signedBy, cosigned };
}

/** @param {Uint8Array} content */
function parseProof(content) {
  if (content.length > MAX_PROOF_BYTES) {
    throw new Unusable(`A proof has at most ${MAX_PROOF_BYTES} bytes.`);
  }
  let end = MAGIC.length;
  while (end < content.length && !(content[end] === 10 && content[end + 1] === 10)) {
    end += 1;
  }
  if (end >= content.length) {
    throw new Unusable("The proof has no empty line before its checkpoint.");
  }
  try {
    const note = parseNote(content.subarray(end + 2));
    parseCheckpoint(note.text);
    return { note, ...parseHead(fromUtf8(content.subarray(MAGIC.length, end)) ?? "\u0080") };
  } catch (error) {
    throw error instanceof NoteProblem ? new Unusable(`The proof cannot be read. ${error.message}`) : error;
  }
}

/**
 * @param {string} head
 * @returns {{ index: bigint, hashes: Uint8Array[], extra: Uint8Array }}
 */
function parseHead(head) {
  if (/[^\x00-\x7f]/.test(head)) {
    throw new NoteProblem("It holds characters that no proof has.");
  }
  const lines = head.split("\n");
  let extra = new Uint8Array();
  if (lines[0].startsWith("extra ")) {
    extra = fromBase64(/** @type {string} */ (lines.shift()).slice("extra ".length));
    if (extra.length === 0 || lines.length === 0) {
      throw new Unusable("The proof's extra data is empty, or nothing follows it.");
    }
  }
  const index = /^index (0|[1-9][0-9]{0,18})$/.exec(lines[0]);
  if (!index) {
    throw new Unusable("The proof does not say the index of its entry in the one valid form.");
  }
  const hashes = lines.slice(1).map(fromBase64);
  if (hashes.length > MAX_HASHES || hashes.some((hash) => hash.length !== HASH_BYTES)) {
    throw new Unusable(`A proof has at most ${MAX_HASHES} hashes of ${HASH_BYTES} bytes.`);
  }
  if (extra.length > MAX_EXTRA_BYTES) {
    throw new Unusable("The proof is too long.");
  }
  return { index: BigInt(index[1]), hashes, extra };
}

/**
 * @param {Uint8Array} extra
 * @returns {{ encoded: Uint8Array, opened: Record<string, Opening> }}
 */
function parseExtra(extra) {
  if (extra.length === 0) {
    throw new Unusable("The file is a proof of inclusion, but it carries no entry: it is no receipt.");
  }
  const fields = canonicalObject(extra);
  if (Object.keys(fields).join() !== "entry,opened,version,words") {
    throw new Unusable("What the receipt carries beside its proof is not in its one valid form.");
  }
  if (fields.version !== 1) {
    throw new Unusable("This software reads receipts of version 1 only.");
  }
  if (typeof fields.entry !== "string" || typeof fields.words !== "string" || !isObject(fields.opened)) {
    throw new Unusable("The receipt does not hold an entry, openings and words.");
  }
  for (const [name, opening] of Object.entries(fields.opened)) {
    if (!FIELD.test(name) || !isOpening(opening)) {
      throw new Unusable("An opening of a commitment is a field's name, a salt in hexadecimal and a value.");
    }
  }
  return { encoded: utf8(fields.entry), opened: fields.opened };
}

/**
 * @param {Uint8Array} bytes
 * @returns {any} the object in these bytes, which must be canonical JSON
 */
function canonicalObject(bytes) {
  const text = fromUtf8(bytes);
  let value;
  try {
    value = JSON.parse(text ?? "");
  } catch {
    throw new Unusable("What the receipt carries beside its proof is not JSON in UTF-8.");
  }
  // A lone half of a character has no UTF-8: JSON.stringify would escape it, as the text did.
  if (!isObject(value) || JSON.stringify(sorted(value)) !== text || LONE_SURROGATE.test(text)) {
    throw new Unusable("What the receipt carries beside its proof is not in its one valid form.");
  }
  return value;
}

/**
 * @param {any} value
 * @returns {any} the same with the members of every object sorted by name
 */
function sorted(value) {
  if (!isObject(value)) {
    return value;
  }
  const members = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(members.map(([name, member]) => [name, sorted(member)]));
}

/**
 * @param {any} opening
 * @returns {boolean}
 */
function isOpening(opening) {
  return (
    isObject(opening) &&
    Object.keys(opening).join() === "salt,value" &&
    typeof opening.value === "string" &&
    typeof opening.salt === "string" &&
    SALT.test(opening.salt)
  );
}

/**
 * @param {Uint8Array} encoded
 * @returns {Entry}
 */
function decoded(encoded) {
  try {
    return decodeEntry(encoded);
  } catch (error) {
    throw error instanceof EntryProblem
      ? new NotProved(`The entry was logged as it stands here, but cannot be read: ${error.message}`)
      : error;
  }
}

/**
 * HMAC-SHA-256 of the value under the salt.
 * @param {string} value
 * @param {string} salt in hexadecimal
 * @returns {Promise<string>} in hexadecimal
 */
async function commitment(value, salt) {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", fromHex(salt), algorithm, false, ["sign"]);
  return hex(new Uint8Array(await crypto.subtle.sign("HMAC", key, utf8(value))));
}

/**
 * @param {Entry} entry
 * @param {string} digest
 */
function requireDocument(entry, digest) {
  const named = Object.hasOwn(entry.details, "sha256") ? entry.details.sha256 : null;
  if (typeof named !== "string") {
    throw new NotProved("The entry names no SHA-256, so that it says nothing about any document.");
  }
  if (named !== digest) {
    throw new NotProved(`The document is not the one of the entry: its SHA-256 is ${digest}, not ${named}.`);
  }
}

/**
 * @param {unknown} error
 * @returns {string}
 */
function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}
