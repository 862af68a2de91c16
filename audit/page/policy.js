// C2SP policies (c2sp.org/tlog-policy): the logs that are believed, the witnesses that are known, and the quorum.

import { NoteProblem, Unusable, fromUtf8 } from "./bytes.js";
import { COSIGNER, LOG, cosignedAt, parseCheckpoint, parseVerifierKey, requireSigned } from "./note.js";

/**
 * @typedef {import("./note.js").VerifierKey} VerifierKey
 * @typedef {import("./note.js").Note} Note
 * @typedef {{ name: string, key: VerifierKey }} Witness
 * @typedef {{ name: string, threshold: number, members: string[] }} Group
 */

export const MAX_POLICY_BYTES = 256 * 1024;
const MAX_LINES = 1000;
const NO_WITNESS = "none";

/** A policy that was read; names are opaque bytes, held one a character. */
export class Policy {
  constructor() {
    /** @type {VerifierKey[]} */
    this.logs = [];
    /** @type {Witness[]} */
    this.witnesses = [];
    /** @type {Group[]} */
    this.groups = [];
    /** @type {string[]} */
    this.quorums = [];
    this.names = new Set([NO_WITNESS]);
    this.members = new Set();
  }

  /**
   * @param {string} origin
   * @returns {VerifierKey[]} the keys under which the policy believes the log of this origin
   */
  logKeys(origin) {
    return this.logs.filter((key) => key.name === origin);
  }

  /**
   * Refuses unless the note is a checkpoint of a log that the policy believes and its quorum cosigned.
   * @param {Note} note
   * @returns {Promise<Map<string, bigint>>} the witnesses that cosigned, by their names here, and when
   */
  async requireAgreement(note) {
    const { origin } = parseCheckpoint(note.text);
    if (this.logs.length > 0) {
      const keys = this.logKeys(origin);
      if (keys.length === 0) {
        throw new NoteProblem(`The policy does not name the log ${origin}.`);
      }
      await requireSigned(note, keys);
    }
    const times = await cosignedAt(note, this.witnesses.map(({ key }) => key));
    /** @type {Map<string, bigint>} */
    const seen = new Map();
    for (const { name, key } of this.witnesses) {
      const time = times.get(key.text);
      if (time !== undefined) {
        seen.set(shown(name), time);
      }
    }
    this.requireQuorum(this.witnesses.filter(({ key }) => times.has(key.text)).map(({ name }) => name));
    return seen;
  }

  /** @param {string[]} seen */
  requireQuorum(seen) {
    const agreed = new Set(seen);
    for (const { name, threshold, members } of this.groups) {
      if (members.filter((member) => agreed.has(member)).length >= threshold) {
        agreed.add(name);
      }
    }
    const [quorum] = this.quorums;
    if (quorum !== NO_WITNESS && !agreed.has(quorum)) {
      const who = seen.map(shown).sort().join(", ") || "no witness";
      throw new NoteProblem(`The policy asks for the quorum ${shown(quorum)}; cosigned by: ${who}.`);
    }
  }

  /** @param {string[]} words of one line */
  read(words) {
    const [kind, ...rest] = words;
    if (kind === undefined || kind.startsWith("#")) {
      return;
    }
    if (kind === "log" && (rest.length === 1 || rest.length === 2)) {
      this.addLog(keyIn(rest[0], LOG));
    } else if (kind === "witness" && (rest.length === 2 || rest.length === 3)) {
      this.addWitness(rest[0], keyIn(rest[1], COSIGNER));
    } else if (kind === "group" && rest.length >= 3) {
      this.addGroup(rest[0], rest[1], rest.slice(2));
    } else if (kind === "quorum" && rest.length === 1) {
      this.addQuorum(rest[0]);
    } else {
      throw new NoteProblem("it is no line of a log, a witness, a group or the quorum.");
    }
  }

  /** @param {VerifierKey} key */
  addLog(key) {
    requireNew(key, this.logs);
    this.logs.push(key);
  }

  /**
   * @param {string} name
   * @param {VerifierKey} key
   */
  addWitness(name, key) {
    requireNew(key, this.witnesses.map((witness) => witness.key));
    this.define(name);
    this.witnesses.push({ name, key });
  }

  /**
   * @param {string} name
   * @param {string} threshold
   * @param {string[]} members
   */
  addGroup(name, threshold, members) {
    for (const member of members) {
      this.requireDefined(member);
      if (this.members.has(member)) {
        throw new NoteProblem("a name can be a member only once.");
      }
      this.members.add(member);
    }
    const needed = thresholdIn(threshold, members.length);
    this.define(name);
    this.groups.push({ name, threshold: needed, members });
  }

  /** @param {string} name */
  addQuorum(name) {
    if (name !== NO_WITNESS) {
      this.requireDefined(name);
    }
    this.quorums.push(name);
  }

  /** @param {string} name */
  define(name) {
    if (this.names.has(name)) {
      throw new NoteProblem("its name is taken already.");
    }
    this.names.add(name);
  }

  /** @param {string} name */
  requireDefined(name) {
    if (name === NO_WITNESS || !this.names.has(name)) {
      throw new NoteProblem("it names a witness or group that no line above defines.");
    }
  }
}

/**
 * @param {Uint8Array} content
 * @returns {Policy}
 */
export function parsePolicy(content) {
  if (content.length > MAX_POLICY_BYTES || content.filter((byte) => byte === 10).length > MAX_LINES) {
    throw new Unusable(`A policy has at most ${MAX_POLICY_BYTES} bytes and ${MAX_LINES} lines.`);
  }
  const lines = Array.from(content, (byte) => String.fromCharCode(byte)).join("").split("\n");
  if (lines.pop() !== "") {
    throw new Unusable("Every line of a policy ends in a newline; the last does not. The file may have been cut.");
  }
  const policy = new Policy();
  lines.forEach((line, at) => {
    try {
      if (/[^\t\x20-\x7e\x80-\xff]/.test(line)) {
        throw new NoteProblem("it holds a control character.");
      }
      policy.read(line.split(/[ \t]+/).filter((word) => word !== ""));
    } catch (error) {
      throw error instanceof NoteProblem ? new Unusable(`Line ${at + 1} of the policy: ${error.message}`) : error;
    }
  });
  if (policy.quorums.length !== 1) {
    throw new Unusable("A policy has exactly one quorum line; `quorum none` asks for no witness.");
  }
  return policy;
}

/**
 * @param {string} text
 * @param {number} members
 * @returns {number}
 */
function thresholdIn(text, members) {
  if (text === "all" || text === "any") {
    return text === "all" ? members : 1;
  }
  if (!/^[1-9][0-9]{0,8}$/.test(text) || Number(text) > members) {
    throw new NoteProblem(`of ${members} members, \`all\`, \`any\` or a number from 1 to ${members} can be asked for.`);
  }
  return Number(text);
}

/**
 * @param {string} word one byte a character
 * @param {1 | 4} kind
 * @returns {VerifierKey}
 */
function keyIn(word, kind) {
  const text = fromUtf8(octets(word));
  if (text === null) {
    throw new NoteProblem("its key is not UTF-8.");
  }
  return parseVerifierKey(text, kind);
}

/**
 * @param {VerifierKey} key
 * @param {VerifierKey[]} known
 */
function requireNew(key, known) {
  if (known.some((other) => other.publicKey.every((byte, at) => byte === key.publicKey[at]))) {
    throw new NoteProblem("the same public key stands in a line above.");
  }
}

/**
 * @param {string} word one byte a character
 * @returns {Uint8Array}
 */
function octets(word) {
  return Uint8Array.from(word, (character) => character.charCodeAt(0));
}

/**
 * @param {string} word one byte a character
 * @returns {string} for people
 */
function shown(word) {
  return fromUtf8(octets(word)) ?? word;
}
