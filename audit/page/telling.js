// What is said of evidence that is proved: what follows from it in one sentence, and what stays open.

import { base64, hex } from "./bytes.js";
import { describe } from "./vocabulary.js";

/**
 * @typedef {import("./note.js").VerifierKey} VerifierKey
 * @typedef {import("./note.js").Checkpoint} Checkpoint
 * @typedef {import("./receipt.js").Trust} Trust
 * @typedef {Awaited<ReturnType<typeof import("./receipt.js").verifyReceipt>>} ReceiptReport
 * @typedef {Awaited<ReturnType<typeof import("./bundle.js").verifyBundle>>} BundleReport
 * @typedef {Awaited<ReturnType<typeof import("./tiles.js").verifyTiles>>} TilesReport
 * @typedef {"proved" | "not-proved" | "unusable"} Kind
 * @typedef {[string, string]} Row
 * @typedef {{ kind: Kind, said: string, open: string[], rows: Row[] }} Verdict
 */

const KEY_OPEN = "that the key is the service's: compare it with the published one, or paste that one above";
const UNWITNESSED = "that no other log was shown to somebody else: no policy was given that asks a witness";
const ALWAYS_OPEN = "that what an entry says is true, or that everything that happened was logged";

/**
 * @param {ReceiptReport} report
 * @param {Trust} trust
 * @param {File | null} document
 * @returns {Verdict}
 */
export function tellReceipt({ key, cosigned, index, checkpoint, entry, opened }, trust, document) {
  const sentence = describe(entry);
  const values = Object.entries(opened).map(([name, { value }]) => rowOf("Opened", `${name}: ${value}`));
  /** @type {Row[]} */
  const rows = [
    ["It says", sentence ?? "An act that this version of the page has no words for."],
    ["Time", entry.time],
    ["Event", entry.event],
    ["By", entry.actor],
    ["Inspection", entry.inspection ?? "none"],
    ["Subject", entry.subject ?? "none"],
    ...Object.entries(entry.details).map(([name, value]) => rowOf(`Field ${name}`, fieldText(value))),
    ...values,
    ["Log", key.name],
    ["Entry", `${index}, among ${checkpoint.size}`],
    ...stateOf(checkpoint, key, cosigned),
  ];
  let said =
    `this entry stands at index ${index} of the log, among the ${checkpoint.size} entries that the key's owner ` +
    "signed for";
  if (values.length > 0) {
    said += ", and each value opened below is the one that it commits to";
  }
  if (document !== null) {
    rows.push(["Document", document.name]);
    said += ", and the document given is, to the last bit, the one whose SHA-256 it names";
  }
  const open = unwitnessed(cosigned);
  if (document === null && Object.hasOwn(entry.details, "sha256")) {
    open.push("that any file is the document: choose it together with the receipt");
  }
  return told(said, cosigned, rows, [...keyOpen(key, trust), ...open]);
}

/**
 * @param {BundleReport} report
 * @param {Trust} trust
 * @returns {Verdict}
 */
export function tellBundle({ key, cosigned, latest, signed, wentOn }, trust) {
  const said =
    `these ${latest.size} entries, in this order, are what the key's owner signed for, and the log agrees with each ` +
    `of its ${signed} signed checkpoints: nothing was changed, removed or put between` +
    (wentOn.length > 0 ? " since the first of them" : "");
  const rows = [...logOf(latest, key), ...stateOf(latest, key, cosigned)];
  const open = [
    ...keyOpen(key, trust),
    "that nothing was logged after the last checkpoint",
    ...unwitnessed(cosigned),
  ];
  return told(said, cosigned, rows, open, wentOn);
}

/**
 * @param {TilesReport} report
 * @param {Trust} trust
 * @returns {Verdict}
 */
export function tellTiles({ key, cosigned, latest, parts, beyond, wentOn }, trust) {
  const said =
    `these ${latest.size} entries, in this order, are what the key's owner signed for, and each of the ${parts} ` +
    "tiles and entry bundles is what they give";
  const rows = [...logOf(latest, key), rowOf("Tiles", String(parts)), ...stateOf(latest, key, cosigned)];
  const past = beyond === 0 ? [] : [`anything about ${beyond} files past the checkpoint, which no reader looks at`];
  const open = [
    ...keyOpen(key, trust),
    "that nothing was logged after the checkpoint",
    ...past,
    ...unwitnessed(cosigned),
  ];
  return told(said, cosigned, rows, open, wentOn);
}

/**
 * @param {string} name
 * @param {string} value
 * @returns {Row}
 */
function rowOf(name, value) {
  return [name, value];
}

/**
 * @param {import("./entry.js").Detail} value
 * @returns {string}
 */
function fieldText(value) {
  return Array.isArray(value) ? value.join(", ") || "none" : String(value ?? "none");
}

/**
 * @param {Checkpoint} checkpoint
 * @param {VerifierKey} key
 * @returns {Row[]}
 */
function logOf({ size }, { name }) {
  return [rowOf("Log", name), rowOf("Entries", String(size))];
}

/**
 * @param {Checkpoint} checkpoint
 * @param {VerifierKey} key
 * @param {Map<string, bigint>} cosigned
 * @returns {Row[]}
 */
function stateOf({ root }, key, cosigned) {
  const seen = [...cosigned].sort().map(([name, time]) => rowOf("Seen by", `${name}, ${when(time)}`));
  return [["Root hash", base64(root)], ["In hex", hex(root)], ["Key", key.text], ...seen];
}

/**
 * @param {bigint} time POSIX seconds
 * @returns {string}
 */
function when(time) {
  return time > 253402300799n
    ? `${time} s after 1970, beyond any calendar`
    : new Date(Number(time) * 1000).toISOString().replace("T", " ").replace(".000Z", " UTC");
}

/**
 * @param {VerifierKey} key
 * @param {Trust} trust
 * @returns {string[]}
 */
function keyOpen(key, { key: given, policy }) {
  const isBrought = given?.text === key.text || policy?.logKeys(key.name).some(({ text }) => text === key.text);
  return isBrought ? [] : [KEY_OPEN];
}

/**
 * @param {Map<string, bigint>} cosigned
 * @returns {string[]}
 */
function unwitnessed(cosigned) {
  return cosigned.size > 0 ? [] : [UNWITNESSED];
}

/**
 * @param {string} said
 * @param {Map<string, bigint>} cosigned
 * @param {Row[]} rows
 * @param {string[]} open
 * @param {string[]} [wentOn] a sentence for each time that the log went on under a new origin
 * @returns {Verdict}
 */
function told(said, cosigned, rows, open, wentOn = []) {
  const witnessed =
    cosigned.size === 0
      ? ""
      : `; of the policy's witnesses ${cosigned.size} saw that same checkpoint, as many as the policy asks for`;
  const sentence = `${said[0].toUpperCase()}${said.slice(1)}${witnessed}.`;
  return { kind: "proved", said: [sentence, ...wentOn].join(" "), open: [...open, ALWAYS_OPEN], rows };
}
