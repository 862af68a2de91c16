// What is asked, and what is answered: which file is what, which rules it is held to, and one verdict.

import { NoteProblem, NotProved, Unusable, equal, utf8 } from "./bytes.js";
import { verifyBundle } from "./bundle.js";
import { knowsEd25519, parseVerifierKey } from "./note.js";
import { MAX_POLICY_BYTES, parsePolicy } from "./policy.js";
import { MAGIC, MAX_PROOF_BYTES, verifyReceipt } from "./receipt.js";
import { Sha256, agreesWithWebCrypto } from "./sha256.js";
import { tellBundle, tellReceipt, tellTiles } from "./telling.js";
import { CHECKPOINT, verifyTiles } from "./tiles.js";
import { bytesOf, openZip } from "./zip.js";

/**
 * @typedef {import("./bundle.js").Progress} Progress
 * @typedef {import("./telling.js").Verdict} Verdict
 * @typedef {{ files: File[], key: string, policyText: string, policyFile: File | null }} Question
 */

const PIECE_BYTES = 4 * 1024 * 1024;

/**
 * @param {Question} question
 * @param {Progress} progress
 * @returns {Promise<Verdict>}
 */
export async function judgeFiles(question, progress) {
  try {
    await requireBrowser();
    return await proved(question, progress);
  } catch (error) {
    if (error instanceof NotProved) {
      return { kind: "not-proved", said: error.message, open: [], rows: [] };
    }
    if (error instanceof Unusable || error instanceof NoteProblem) {
      return { kind: "unusable", said: error.message, open: [], rows: [] };
    }
    const said = `This browser could not finish the work (${error}). Nothing was judged. Try again, or use another.`;
    return { kind: "unusable", said, open: [], rows: [] };
  }
}

async function requireBrowser() {
  if (!globalThis.crypto?.subtle || !(await knowsEd25519())) {
    throw new Unusable(
      "This browser cannot check Ed25519 signatures, so that nothing can be proved with it. Open this page in " +
        "Firefox 129, Chrome or Edge 137, Safari 17 or later, or use: python -m audit verify FILE.",
    );
  }
  if (!(await agreesWithWebCrypto())) {
    throw new Unusable("This browser computes SHA-256 in two ways that disagree. Use another; nothing was judged.");
  }
}

/**
 * @param {Question} question
 * @param {Progress} progress
 * @returns {Promise<Verdict>}
 */
async function proved({ files, key, policyText, policyFile }, progress) {
  const trust = {
    key: key.trim() === "" ? null : parseVerifierKey(key.trim()),
    policy: await policyOf(policyText, policyFile),
  };
  const { evidence, document } = await sorted(files);
  if (await isReceipt(evidence)) {
    const content = await whole(evidence, MAX_PROOF_BYTES);
    const digest = document === null ? null : () => digestOf(document, progress);
    return tellReceipt(await verifyReceipt(content, trust, digest), trust, document);
  }
  const zip = await openZip(evidence);
  return zip.members.has(CHECKPOINT)
    ? tellTiles(await verifyTiles(zip, trust, progress), trust)
    : tellBundle(await verifyBundle(zip, trust, progress), trust);
}

/**
 * @param {string} text
 * @param {File | null} file
 */
async function policyOf(text, file) {
  if (file !== null && text.trim() !== "") {
    throw new Unusable("Give the policy as text or as a file, not both.");
  }
  if (file !== null) {
    return parsePolicy(await whole(file, MAX_POLICY_BYTES));
  }
  return text.trim() === "" ? null : parsePolicy(utf8(text.endsWith("\n") ? text : `${text}\n`));
}

/**
 * Which of the files is the evidence, and which the document that it is about.
 * @param {File[]} files
 * @returns {Promise<{ evidence: File, document: File | null }>}
 */
async function sorted(files) {
  if (files.length === 0) {
    throw new Unusable("No file was chosen.");
  }
  if (files.length === 1) {
    return { evidence: files[0], document: null };
  }
  const receipts = await Promise.all(files.map(isReceipt));
  if (files.length > 2 || receipts[0] === receipts[1]) {
    throw new Unusable("Choose one piece of evidence, or one receipt and one document.");
  }
  return receipts[0] ? { evidence: files[0], document: files[1] } : { evidence: files[1], document: files[0] };
}

/**
 * @param {File} file
 * @returns {Promise<boolean>}
 */
async function isReceipt(file) {
  return equal(await bytesOf(file, 0, MAGIC.length), MAGIC);
}

/**
 * @param {File} file
 * @param {number} longest
 * @returns {Promise<Uint8Array>}
 */
async function whole(file, longest) {
  if (file.size > longest) {
    throw new Unusable(`${file.name} has more than ${longest} bytes: it is not what it is given as.`);
  }
  return bytesOf(file, 0, file.size);
}

/**
 * @param {File} file
 * @param {Progress} progress
 * @returns {Promise<Uint8Array>} its SHA-256
 */
async function digestOf(file, progress) {
  const digest = new Sha256();
  for (let place = 0; place < file.size; place += PIECE_BYTES) {
    progress(place, file.size);
    digest.update(await bytesOf(file, place, place + PIECE_BYTES));
  }
  return digest.digest();
}
