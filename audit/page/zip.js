// The members of a zip, read in place and in slices: nothing compressed or encrypted, no name twice. A file of any size
// costs a few MiB of memory.

import { Unusable, concat, equal, fromUtf8 } from "./bytes.js";

/** @typedef {{ name: string, raw: Uint8Array, offset: number, size: number, method: number, flags: number }} Member */

const END_BYTES = 22;
const END64_BYTES = 56;
const LOCATOR_BYTES = 20;
const ENTRY_BYTES = 46;
const LOCAL_BYTES = 30;
const SLICE_BYTES = 1024 * 1024;
const WIDE = 0xffffffff;
const [END, END64, LOCATOR, ENTRY, LOCAL] = [0x06054b50, 0x06064b50, 0x07064b50, 0x02014b50, 0x04034b50];

/** A zip, its directory read. */
export class StoredZip {
  /**
   * @param {Blob} file
   * @param {Map<string, Member>} members
   */
  constructor(file, members) {
    this.file = file;
    this.members = members;
  }

  /**
   * @param {string} name
   * @param {number} longest
   * @returns {Promise<Uint8Array | null>} a member, whole; null when there is none
   */
  async read(name, longest) {
    const member = this.members.get(name);
    if (member === undefined) {
      return null;
    }
    if (member.size > longest) {
      throw new Unusable(`${name} is too large to be what it is called.`);
    }
    const start = await this.startOf(member);
    return bytesOf(this.file, start, start + member.size);
  }

  /**
   * @param {string} name of a member that is there
   * @param {number} longest
   * @returns {Promise<Lines>}
   */
  async lines(name, longest) {
    const member = /** @type {Member} */ (this.members.get(name));
    const start = await this.startOf(member);
    return new Lines(this.file, name, start, start + member.size, longest);
  }

  /**
   * @param {Member} member
   * @returns {Promise<number>} where its bytes begin
   */
  async startOf({ name, raw, offset, size }) {
    const header = viewOf(await bytesOf(this.file, offset, offset + LOCAL_BYTES));
    if (header.byteLength !== LOCAL_BYTES || header.getUint32(0, true) !== LOCAL) {
      throw new Unusable(`The file is damaged: ${name} is not where its directory says.`);
    }
    const nameEnd = offset + LOCAL_BYTES + header.getUint16(26, true);
    const start = nameEnd + header.getUint16(28, true);
    if (!equal(await bytesOf(this.file, offset + LOCAL_BYTES, nameEnd), raw)) {
      throw new Unusable(`The file calls ${name} by another name where it stands; other readers would show that.`);
    }
    requirePlain(await bytesOf(this.file, nameEnd, start));
    if (start + size > this.file.size) {
      throw new Unusable(`The file is cut short: ${name} is not whole.`);
    }
    return start;
  }
}

/** The lines of a member, without their ends, one after another. */
class Lines {
  /**
   * @param {Blob} file
   * @param {string} name
   * @param {number} start
   * @param {number} end
   * @param {number} longest
   */
  constructor(file, name, start, end, longest) {
    this.file = file;
    this.name = name;
    this.read = start;
    this.end = end;
    this.longest = longest;
    this.buffer = new Uint8Array();
    this.place = 0;
  }

  /** @returns {Promise<Uint8Array | null>} the next line; null after the last */
  async next() {
    let stop = this.buffer.indexOf(10, this.place);
    while (stop < 0 && this.read < this.end && this.buffer.length - this.place <= this.longest) {
      const more = await bytesOf(this.file, this.read, Math.min(this.read + SLICE_BYTES, this.end));
      this.buffer = concat(this.buffer.subarray(this.place), more);
      this.place = 0;
      this.read += more.length;
      stop = this.buffer.indexOf(10);
    }
    if (stop < 0 && this.place === this.buffer.length) {
      return null;
    }
    if (stop < 0 || stop - this.place > this.longest) {
      throw new Unusable(`The member ${this.name} holds a line that is too long, or its last line has no end.`);
    }
    const line = this.buffer.subarray(this.place, stop);
    this.place = stop + 1;
    return line;
  }
}

/**
 * @param {Blob} file
 * @returns {Promise<StoredZip>}
 */
export async function openZip(file) {
  const members = await directoryOf(file);
  if (members.length > 0 && members.reduce((least, { offset }) => Math.min(least, offset), Infinity) !== 0) {
    throw new Unusable("Another file stands before this zip, in the same bytes; other readers would read that.");
  }
  const byName = new Map(members.map((member) => [member.name, member]));
  if (byName.size !== members.length) {
    throw new Unusable("The file holds a member twice; which of the two was meant, nobody can know.");
  }
  if (members.some(({ method, flags }) => method !== 0 || (flags & 1) === 1)) {
    throw new Unusable("The members of evidence are neither compressed nor encrypted; these are.");
  }
  return new StoredZip(file, byName);
}

/**
 * @param {Blob} file
 * @param {number} start
 * @param {number} end
 * @returns {Promise<Uint8Array>} as many of these bytes as the file has
 */
export async function bytesOf(file, start, end) {
  return new Uint8Array(await file.slice(Math.max(start, 0), Math.max(end, 0)).arrayBuffer());
}

/**
 * @param {Uint8Array} bytes
 * @returns {DataView}
 */
function viewOf(bytes) {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * @param {Blob} file
 * @returns {Promise<Member[]>}
 */
async function directoryOf(file) {
  const { size, offset, place } = await endOf(file);
  const moved = place - size - offset; // not 0 where something was put before the zip
  const bytes = await bytesOf(file, place - size, place);
  const directory = viewOf(bytes);
  if (place < size || directory.byteLength !== size) {
    throw noZip();
  }
  const members = [];
  for (let at = 0; at < size; ) {
    if (at + ENTRY_BYTES > size || directory.getUint32(at, true) !== ENTRY) {
      throw noZip();
    }
    const lengths = [28, 30, 32].map((field) => directory.getUint16(at + field, true));
    if (at + ENTRY_BYTES + lengths[0] + lengths[1] > size) {
      throw noZip();
    }
    const [name, extra] = [at + ENTRY_BYTES, at + ENTRY_BYTES + lengths[0]];
    const end = extra + lengths[1];
    members.push(memberAt(directory, at, bytes.subarray(name, extra), bytes.subarray(extra, end), moved));
    at = end + lengths[2];
  }
  return members;
}

/** @type {(directory: DataView, at: number, raw: Uint8Array, extra: Uint8Array, moved: number) => Member} */
function memberAt(directory, at, raw, extra, moved) {
  const flags = directory.getUint16(at + 8, true);
  const name = flags & 0x800 ? fromUtf8(raw) : String.fromCharCode(...raw);
  if (name === null || name.includes("\0") || directory.getUint16(at + 6, true) > 63) {
    throw noZip();
  }
  requirePlain(extra);
  let [packed, size, offset] = [20, 24, 42].map((field) => directory.getUint32(at + field, true));
  const fields = viewOf(extra);
  for (let place = 0; place < extra.length; place += 4 + fields.getUint16(place + 2, true)) {
    let field = place + 4;
    if (8 * [size, packed, offset].filter((value) => value === WIDE).length > fields.getUint16(place + 2, true)) {
      throw noZip();
    }
    const take = () => Number(fields.getBigUint64((field += 8) - 8, true));
    size = size === WIDE ? take() : size;
    field += packed === WIDE ? 8 : 0;
    offset = offset === WIDE ? take() : offset;
  }
  return { name, raw, offset: offset + moved, size, method: directory.getUint16(at + 10, true), flags };
}

/** @param {Uint8Array} extra fields: one could call a member otherwise, so that only lengths of 64 bits are allowed */
function requirePlain(extra) {
  for (let place = 0; place < extra.length; ) {
    const next = place + 4 + extra[place + 2] + 256 * extra[place + 3];
    if (extra[place] !== 1 || extra[place + 1] !== 0 || !(next <= extra.length)) {
      throw new Unusable("A member of the file bears more than a name; other readers might show another one.");
    }
    place = next;
  }
}

/**
 * @param {Blob} file
 * @returns {Promise<{ size: number, offset: number, place: number }>} the directory's size, where it says it begins,
 *   and where it ends
 */
async function endOf(file) {
  const place = file.size - END_BYTES;
  const first = viewOf(await bytesOf(file, 0, 4));
  const view = viewOf(await bytesOf(file, place, file.size));
  const isWhole = view.byteLength === END_BYTES && view.getUint32(0, true) === END && view.getUint16(20, true) === 0;
  if (!isWhole || first.getUint32(0, true) !== LOCAL) {
    throw noZip(); // something stands before the first member or after the end, where other readers would not look
  }
  const wide = viewOf(await bytesOf(file, place - LOCATOR_BYTES - END64_BYTES, place));
  if (wide.byteLength === LOCATOR_BYTES + END64_BYTES && wide.getUint32(END64_BYTES, true) === LOCATOR) {
    if (wide.getUint32(END64_BYTES + 4, true) !== 0 || wide.getUint32(END64_BYTES + 16, true) > 1) {
      throw noZip();
    }
    if (wide.getUint32(0, true) === END64) {
      const [size, offset] = [40, 48].map((field) => Number(wide.getBigUint64(field, true)));
      return { size, offset, place: place - LOCATOR_BYTES - END64_BYTES };
    }
  }
  return { size: view.getUint32(12, true), offset: view.getUint32(16, true), place };
}

/** @returns {Unusable} */
function noZip() {
  return new Unusable("The file is neither a receipt nor evidence in a zip: it is no zip, or more than one.");
}
