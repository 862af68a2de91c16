// How a verdict is shown: as text only, so that nothing in a file can become part of the page.

import { plain } from "./bytes.js";

/**
 * @typedef {import("./telling.js").Verdict} Verdict
 * @typedef {import("./telling.js").Kind} Kind
 */

/** @type {Record<Kind, { word: string, sign: string, advice: string }>} */
const KINDS = {
  proved: { word: "PROVED", sign: "\u2713", advice: "" },
  "not-proved": {
    word: "NOT PROVED",
    sign: "\u2717",
    advice: "Do not rely on this evidence. Keep the file as it is, and ask whoever gave it to you for it again.",
  },
  unusable: {
    word: "CANNOT VERIFY",
    sign: "?",
    advice: "Nothing was judged, for or against the evidence.",
  },
};

/**
 * @param {HTMLElement} place
 * @param {Verdict} verdict
 * @param {string[]} names of the files that were judged
 */
export function showVerdict(place, verdict, names) {
  const { word, sign, advice } = KINDS[verdict.kind];
  const heading = made("h2", word);
  const mark = made("span", sign);
  mark.setAttribute("aria-hidden", "true");
  heading.prepend(mark, " ");
  const judged = `Judged: ${names.map(plain).join(", ") || "nothing"}`;
  const parts = [heading, made("p", plain(verdict.said)), made("p", judged)];
  if (advice !== "") {
    parts.push(made("p", advice));
  }
  if (verdict.open.length > 0) {
    parts.push(made("h3", "Not proved by this"), listOf(verdict.open));
  }
  if (verdict.rows.length > 0) {
    parts.push(made("h3", "Details"), tableOf(verdict.rows));
  }
  place.replaceChildren(...parts);
  place.dataset.verdict = verdict.kind;
  place.hidden = false;
}

/**
 * @param {Verdict} verdict
 * @returns {string} for a screen reader
 */
export function spoken(verdict) {
  return `${KINDS[verdict.kind].word}. ${plain(verdict.said)}`;
}

/** @param {HTMLElement} place */
export function clearVerdict(place) {
  place.replaceChildren();
  place.hidden = true;
  delete place.dataset.verdict;
}

/**
 * @param {string} name
 * @param {string} text
 * @returns {HTMLElement}
 */
function made(name, text) {
  const element = document.createElement(name);
  element.textContent = text;
  return element;
}

/**
 * @param {string[]} texts
 * @returns {HTMLElement}
 */
function listOf(texts) {
  const list = made("ul", "");
  list.append(...texts.map((text) => made("li", text)));
  return list;
}

/**
 * @param {[string, string][]} rows
 * @returns {HTMLElement}
 */
function tableOf(rows) {
  const list = made("dl", "");
  for (const [name, value] of rows) {
    const row = made("div", "");
    row.append(made("dt", plain(name)), made("dd", plain(value)));
    list.append(row);
  }
  return list;
}
