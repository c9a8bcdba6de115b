/**
 * Domain names on the wire (RFC 1035 sections 3.1 and 4.1.4), in the text of master files (section 5.1): labels with
 * dots between them, `.` for the root, a dot or a backslash within a label behind a backslash, other bytes as `\ddd`.
 */
import type { ByteList } from './byte-list.js';
import type { Cursor } from './cursor.js';
import { escapeText, unescapeText } from './text.js';

/** RFC 1035 section 2.3.4, length bytes included. */
const MAX_NAME = 255;
/** Each pointer leads to a place that was not read yet: more than there can be labels are a loop. */
const MAX_POINTERS = 128;

/**
 * The name at the cursor, which moves behind it. Pointers lead to `base` and beyond, in either direction.
 *
 * @param base where the message begins
 * @returns undefined for a name that does not end in the message or is too long; the packet then has the fault
 */
export function readName(cursor: Cursor, base: number): string | undefined {
  const { packet, layer, end } = cursor;
  const { bytes } = packet;
  let at = cursor.at;
  let behind = -1;
  let text = '';
  let length = 1;
  for (let pointers = 0; ; ) {
    if (!packet.has(layer, at, end, 1, 'name')) return undefined;
    const size = bytes[at] as number;
    if (size === 0) break;
    if (size < 64) {
      if (!packet.has(layer, at, end, 1 + size, 'label length')) return undefined;
      length += 1 + size;
      if (length > MAX_NAME) {
        packet.fail(layer, at, length, MAX_NAME, 'name');
        return undefined;
      }
      if (text !== '') text += '.';
      text += labelText(bytes, at + 1, at + 1 + size);
      at += 1 + size;
      continue;
    }
    if (size < 0xc0) {
      // RFC 6891 section 5: there are no other kinds of label.
      packet.fail(layer, at, size, 63, 'label length');
      return undefined;
    }
    if (!packet.has(layer, at, end, 2, 'name pointer')) return undefined;
    const target = base + (((size & 0x3f) << 8) | (bytes[at + 1] as number));
    if (behind < 0) behind = at + 2;
    if (++pointers > MAX_POINTERS) {
      packet.fail(layer, at, pointers, MAX_POINTERS, 'name pointers');
      return undefined;
    }
    if (!packet.has(layer, target, end, 1, 'name pointer')) return undefined;
    at = target;
  }
  cursor.at = behind < 0 ? at + 1 : behind;
  return text === '' ? '.' : text;
}

function labelText(bytes: Uint8Array, at: number, end: number): string {
  const text = escapeText(bytes, at, end);
  return text.includes('.') ? text.replaceAll('.', '\\.') : text;
}

/**
 * Writes a name.
 *
 * @param known where names, in lower case, stand in the message already, for pointers to them; names that are written
 *   are added
 * @throws RangeError for a label of no or more than 63 bytes, or a name of more than 255
 */
export function writeName(bytes: ByteList, name: string, known?: Map<string, number>): void {
  const labels = splitName(name);
  let length = 1;
  for (let i = 0; i < labels.length; i++) {
    const rest = labels.slice(i).join('.').toLowerCase();
    const pointer = known?.get(rest);
    if (pointer !== undefined) {
      bytes.u16(0xc000 | pointer);
      return;
    }
    if (bytes.length < 0x4000) known?.set(rest, bytes.length);
    const label = unescapeText(labels[i] as string);
    length += 1 + label.length;
    if (label.length === 0 || label.length > 63) throw new RangeError(`a label of ${label.length} bytes: '${name}'`);
    if (length > MAX_NAME) throw new RangeError(`a name of more than ${MAX_NAME} bytes: '${name.slice(0, 40)}…'`);
    bytes.u8(label.length).bytes(label);
  }
  bytes.u8(0);
}

/** The labels as they are written, escapes included; none for the root. */
function splitName(name: string): string[] {
  const labels: string[] = [];
  let from = 0;
  for (let at = 0; at < name.length; at++) {
    if (name[at] === '\\') at++;
    else if (name[at] === '.') {
      labels.push(name.slice(from, at));
      from = at + 1;
    }
  }
  // A dot at the end is that of the root.
  if (from < name.length) labels.push(name.slice(from));
  return name === '.' ? [] : labels;
}
