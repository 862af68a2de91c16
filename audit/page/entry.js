// One entry of the log: RFC 8785 canonical JSON, narrowed. What is read is encoded again and compared.

import { fromUtf8 } from "./bytes.js";

/**
 * @typedef {string | number | boolean | null | string[]} Detail
 * @typedef {{ actor: string, details: Record<string, Detail>, event: string, inspection: string | null,
 *   subject: string | null, time: string, version: 1 }} Entry
 */

/** Bytes that are not an entry in its one valid form. */
export class EntryProblem extends Error {}

export const MAX_ENTRY_BYTES = 65_535;
export const ID = "[a-z]{3}_[0-9a-z]{26}";

const NOT_ASCII = "\u0080";
const KEYS = "actor,details,event,inspection,subject,time,version";
const EVENT = /^[a-z]+(?:-[a-z]+)*:[a-z]+(?:-[a-z]+)*$/;
const ACTOR = new RegExp(`^(?:${ID}|system:[a-z][a-z-]{0,38}[a-z]|anonymous)$`);
const INSPECTION = new RegExp(`^${ID}$`);
const SUBJECT = new RegExp(`^(?:${ID}|service)$`);
const FIELD = /^[a-z][a-z0-9_]{0,39}$/;
const TEXT = /^[ -~]{0,1024}$/;
const TIME = /^([0-9]{4}-[0-9]{2}-[0-9]{2})T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{6}Z$/;

/**
 * @param {Uint8Array} bytes
 * @returns {Entry}
 */
export function decodeEntry(bytes) {
  if (bytes.length > MAX_ENTRY_BYTES) {
    throw new EntryProblem("The entry is too long.");
  }
  const text = fromUtf8(bytes) ?? NOT_ASCII;
  const entry = parsed(text);
  requireForm(entry);
  if (encoded(entry) !== text) {
    throw new EntryProblem("The entry is not in its canonical encoding.");
  }
  return entry;
}

/** Notes of entries read one after another: why the first unreadable one is, and a sentence for each going on. */
export class EntryNotes {
  constructor() {
    this.unreadable = "";
    /** @type {string[]} */
    this.wentOn = [];
  }

  /**
   * @param {number} index
   * @param {Uint8Array} bytes
   */
  read(index, bytes) {
    try {
      const entry = decodeEntry(bytes);
      if (entry.event === "log:continued") {
        this.wentOn.push(wentOn(index, entry.details));
      }
    } catch (error) {
      if (!(error instanceof EntryProblem)) {
        throw error;
      }
      this.unreadable ||= `Entry ${index} cannot be read: ${error.message}`;
    }
  }
}

/**
 * @param {number} index
 * @param {Record<string, Detail>} details
 * @returns {string}
 */
function wentOn(index, { from_size: kept, signed_size: signed }) {
  let said = `At entry ${index} the log went on under a new origin:`;
  if (typeof kept === "number" && typeof signed === "number") {
    const rest =
      signed > kept
        ? `${kept} of them were kept, so ${signed - kept} are lost;`
        : `and whether they are among the ${kept} that it then held cannot be told from this;`;
    said += ` ${signed} entries had been signed for before, ${rest}`;
  }
  return `${said} checkpoints kept of the old origin will not fit.`;
}

/**
 * @param {unknown} text
 * @returns {boolean} whether it is a time as entries write it, of the calendar
 */
export function isTime(text) {
  const match = typeof text === "string" ? TIME.exec(text) : null;
  return match !== null && isDate(match[1]);
}

/**
 * @param {unknown} text
 * @returns {boolean} whether it is a day of the calendar, as 2026-03-02
 */
export function isDate(text) {
  if (typeof text !== "string" || !/^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(text)) {
    return false;
  }
  const [year, month, day] = text.split("-").map(Number);
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
  return year >= 1 && month >= 1 && month <= 12 && day >= 1 && day <= days[month - 1];
}

/**
 * @param {string} text
 * @returns {Entry} an object with an entry's members, of which nothing more is known
 */
function parsed(text) {
  let value;
  try {
    if (/[^\x00-\x7f]/.test(text)) {
      throw new SyntaxError();
    }
    value = JSON.parse(text);
  } catch {
    throw new EntryProblem("The entry is not JSON in ASCII.");
  }
  if (!isObject(value)) {
    throw new EntryProblem("The entry is not a JSON object.");
  }
  if (Object.keys(value).sort().join() !== KEYS || !isObject(value.details)) {
    throw new EntryProblem("The entry does not have exactly the fields of an entry.");
  }
  return value;
}

/** @param {Entry} entry */
function requireForm(entry) {
  if (!isTime(entry.time)) {
    throw new EntryProblem("The time is not a time of the calendar, written as 2026-01-31T09:30:00.000000Z.");
  }
  if (entry.version !== 1) {
    throw new EntryProblem("This software reads entries of version 1 only.");
  }
  requireMatch(EVENT, entry.event, "event");
  requireMatch(ACTOR, entry.actor, "actor");
  if (entry.inspection !== null) {
    requireMatch(INSPECTION, entry.inspection, "inspection");
  }
  if (entry.subject !== null) {
    requireMatch(SUBJECT, entry.subject, "subject");
  }
  for (const [name, value] of Object.entries(entry.details)) {
    requireMatch(FIELD, name, "field name");
    if (!isDetail(value)) {
      throw new EntryProblem(
        `The field ${name} must be printable ASCII, an integer below 2^53, true, false, null or a list of texts.`,
      );
    }
  }
}

/**
 * @param {unknown} value
 * @returns {boolean}
 */
function isDetail(value) {
  if (value === null || typeof value === "boolean" || Number.isSafeInteger(value)) {
    return true;
  }
  return isText(value) || (Array.isArray(value) && value.every(isText));
}

/**
 * @param {unknown} value
 * @returns {boolean}
 */
function isText(value) {
  return typeof value === "string" && TEXT.test(value);
}

/**
 * @param {RegExp} pattern
 * @param {unknown} value
 * @param {string} name
 */
function requireMatch(pattern, value, name) {
  if (typeof value !== "string" || !pattern.test(value)) {
    throw new EntryProblem(`The ${name} of an entry cannot be ${JSON.stringify(value).slice(0, 80)}.`);
  }
}

/**
 * @param {Entry} entry
 * @returns {string} the one valid text; the members are written in the order that the format asks for
 */
function encoded({ actor, details, event, inspection, subject, time, version }) {
  const sorted = Object.fromEntries(Object.entries(details).sort(([one], [other]) => (one < other ? -1 : 1)));
  return JSON.stringify({ actor, details: sorted, event, inspection, subject, time, version });
}

/**
 * @param {any} value
 * @returns {boolean}
 */
export function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
