// What everything here is made of: the three kinds of refusal, and bytes as text.

/** There is no evidence to judge here, or nothing to judge it by. */
export class Unusable extends Error {}

/** It is evidence, and it does not prove itself. */
export class NotProved extends Error {}

/** A note, key or checkpoint that is malformed, or not signed as it must be; where it stands decides what follows. */
export class NoteProblem extends Error {}

/** @type {number} Bytes of a hash. */
export const HASH_BYTES = 32;

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * @param {Uint8Array} bytes
 * @returns {string} lower-case hexadecimal digits
 */
export function hex(bytes) {
  let text = "";
  for (const byte of bytes) {
    text += byte.toString(16).padStart(2, "0");
  }
  return text;
}

/**
 * @param {string} text an even number of hexadecimal digits
 * @returns {Uint8Array}
 */
export function fromHex(text) {
  return Uint8Array.from({ length: text.length / 2 }, (_, at) => Number.parseInt(text.slice(2 * at, 2 * at + 2), 16));
}

/**
 * @param {Uint8Array} bytes
 * @returns {string} base64, RFC 4648 section 4
 */
export function base64(bytes) {
  let binary = "";
  for (let at = 0; at < bytes.length; at += 8192) {
    binary += String.fromCharCode(...bytes.subarray(at, at + 8192));
  }
  return btoa(binary);
}

/**
 * Decodes base64 in its one spelling; refuses any other of the same bytes.
 * @param {string} text
 * @returns {Uint8Array}
 */
export function fromBase64(text) {
  const damaged = "The note or key holds a damaged base64 text.";
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text)) {
    throw new NoteProblem(damaged);
  }
  let binary = "";
  try {
    binary = atob(text);
  } catch {
    throw new NoteProblem(damaged);
  }
  const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
  if (base64(bytes) !== text) {
    throw new NoteProblem("The note or key holds a base64 text in a second spelling.");
  }
  return bytes;
}

/**
 * @param {Uint8Array} one
 * @param {Uint8Array} other
 * @returns {boolean}
 */
export function equal(one, other) {
  let isEqual = one.length === other.length;
  for (let at = 0; isEqual && at < one.length; at += 1) {
    isEqual = one[at] === other[at];
  }
  return isEqual;
}

/**
 * @param {...Uint8Array} parts
 * @returns {Uint8Array}
 */
export function concat(...parts) {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let place = 0;
  for (const part of parts) {
    whole.set(part, place);
    place += part.length;
  }
  return whole;
}

/**
 * @param {string} text
 * @returns {Uint8Array} its bytes in UTF-8
 */
export function utf8(text) {
  return ENCODER.encode(text);
}

/**
 * @param {Uint8Array} bytes
 * @returns {string | null} the text, or null where the bytes are not UTF-8
 */
export function fromUtf8(bytes) {
  try {
    return DECODER.decode(bytes);
  } catch {
    return null;
  }
}

/**
 * Text that may come from a file, so that nothing in it can turn round or hide what stands beside it.
 * @param {string} text
 * @returns {string}
 */
export function plain(text) {
  return text.replace(/[\p{C}\p{Z}]/gu, (character) =>
    character === " " ? character : `\\u{${/** @type {number} */ (character.codePointAt(0)).toString(16)}}`,
  );
}
