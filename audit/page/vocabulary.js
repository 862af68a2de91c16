// What the log may say, and how it is said in words: the rows stand in the page, made from audit/events.py.

import { ID, isDate, isTime } from "./entry.js";

/**
 * @typedef {import("./entry.js").Entry} Entry
 * @typedef {import("./entry.js").Detail} Detail
 * @typedef {{ log: "service" | "inspection" | "both", meaning: string, fields: Record<string, string>,
 *   subject: "none" | "optional" | "required" }} Row
 */

const ROWS = new Map(/** @type {[string, Row][]} */ (Object.entries(JSON.parse(textOf("vocabulary")))));

const ITEM = /^(?:L[1-9]|P|[1-9]\.[1-9][0-9]?)$/;
const CODE = /^(?=.{1,64}$)[a-z0-9]+(?:[-._:][a-z0-9]+)*$/;
const DIGEST = /^[0-9a-f]{64}$/;
const DAY = "([0-9-]{10})";
const DATA_DATE = new RegExp(
  `^(?:as-at:${DAY}|(?:period|historic-snapshot):${DAY}/${DAY}|historic-snapshot(?::${DAY})?|not-dated)$`,
);

/** @type {Record<string, (value: any) => boolean>} */
const KINDS = {
  id: matches(new RegExp(`^${ID}$`)),
  "id or none": orNone(matches(new RegExp(`^${ID}$`))),
  "item number": matches(ITEM),
  "item numbers": allDifferent(matches(ITEM), 1),
  "item numbers, or none": allDifferent(matches(ITEM), 0),
  count: (value) => Number.isSafeInteger(value) && value >= 0,
  "SHA-256": matches(DIGEST),
  "SHA-256 or none": orNone(matches(DIGEST)),
  commitment: matches(DIGEST),
  code: matches(CODE),
  codes: allDifferent(matches(CODE), 0),
  time: isTime,
  date: isDate,
  "data date": isDataDate,
};

/**
 * @param {Entry} entry
 * @returns {string | null} the entry as a sentence, or null where this page has no words for it
 */
export function describe(entry) {
  const row = ROWS.get(entry.event);
  if (row === undefined || !isOf(row, entry)) {
    return null;
  }
  /** @type {Record<string, string>} */
  const values = { actor: entry.actor, subject: entry.subject ?? "an unknown account" };
  for (const [name, value] of Object.entries(entry.details)) {
    values[name] = shown(value);
  }
  return row.meaning.replace(/\{([a-z0-9_]+)\}/g, (_, name) => values[name]);
}

/**
 * @param {Row} row
 * @param {Entry} entry
 * @returns {boolean} whether the entry is exactly what the vocabulary says
 */
function isOf(row, entry) {
  const log = entry.inspection === null ? "service" : "inspection";
  const names = Object.keys(row.fields);
  return (
    (row.log === "both" || row.log === log) &&
    (entry.subject === null ? row.subject !== "required" : row.subject !== "none") &&
    names.length === Object.keys(entry.details).length &&
    names.every((name) => Object.hasOwn(entry.details, name) && KINDS[row.fields[name]](entry.details[name]))
  );
}

/**
 * @param {Detail} value
 * @returns {string}
 */
function shown(value) {
  if (value === null) {
    return "as a whole";
  }
  return Array.isArray(value) ? value.join(", ") || "nothing named" : String(value);
}

/**
 * @param {RegExp} pattern
 * @returns {(value: any) => boolean}
 */
function matches(pattern) {
  return (value) => typeof value === "string" && pattern.test(value);
}

/**
 * @param {(value: any) => boolean} check
 * @returns {(value: any) => boolean}
 */
function orNone(check) {
  return (value) => value === null || check(value);
}

/**
 * @param {(value: any) => boolean} check
 * @param {number} fewest
 * @returns {(value: any) => boolean}
 */
function allDifferent(check, fewest) {
  return (value) =>
    Array.isArray(value) &&
    value.length >= fewest &&
    new Set(value).size === value.length &&
    value.every((element) => check(element));
}

/**
 * @param {any} value
 * @returns {boolean}
 */
function isDataDate(value) {
  const match = typeof value === "string" ? DATA_DATE.exec(value) : null;
  const dates = match === null ? [] : match.slice(1).filter((text) => text !== undefined);
  return match !== null && dates.every(isDate) && dates.join() === [...dates].sort().join();
}

/**
 * @param {string} id of an element that holds data
 * @returns {string}
 */
function textOf(id) {
  return document.getElementById(id)?.textContent ?? "{}";
}
