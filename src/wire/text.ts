/** Bytes as text and back: hex, and hardware addresses. */
import { UsageError } from '../errors.js';

const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** Bytes as hex, without separators. */
export function hex(bytes: Uint8Array, at: number, end: number): string {
  let text = '';
  for (let i = at; i < end; i++) text += HEX[bytes[i] as number];
  return text;
}

/**
 * The bytes of what {@link hex} writes.
 *
 * @throws UsageError for anything but pairs of hex digits
 */
export function hexBytes(text: string): Uint8Array {
  if (!/^(?:[0-9a-f]{2})*$/i.test(text)) throw new UsageError(`not hex: '${text.slice(0, 40)}'`, 'write pairs: 0a1b');
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

/** A hardware address: `00:00:5e:00:53:01`. */
export function formatHardware(bytes: Uint8Array, at: number, length = 6): string {
  if (length === 0) return '';
  let text = HEX[bytes[at] as number] as string;
  for (let i = at + 1; i < at + length; i++) text += `:${HEX[bytes[i] as number]}`;
  return text;
}

/**
 * The bytes of a hardware address as {@link formatHardware} writes it; empty text is an address of no bytes.
 *
 * @param length bytes that it must have
 * @throws UsageError for anything else
 */
export function hardwareBytes(text: string, length?: number): Uint8Array {
  const parts = text === '' ? [] : text.split(':');
  if (!parts.every((part) => /^[0-9a-f]{1,2}$/i.test(part)) || (length !== undefined && parts.length !== length)) {
    throw new UsageError(`bad hardware address '${text.slice(0, 40)}'`, 'write six bytes in hex: 02:00:00:00:00:01');
  }
  return Uint8Array.from(parts, (part) => Number.parseInt(part, 16));
}

/**
 * Bytes as text that nothing is lost of and no terminal takes for more than text: printable ASCII as it is, a backslash
 * twice, any other byte as a backslash and three decimal digits, as the master files of RFC 1035 section 5.1 have it.
 */
export function escapeText(bytes: Uint8Array, at: number, end: number): string {
  let text = '';
  for (let i = at; i < end; i++) text += ESCAPED[bytes[i] as number];
  return text;
}

const BACKSLASH = 0x5c;
const ESCAPED: readonly string[] = Array.from({ length: 256 }, (_, byte) => {
  if (byte === BACKSLASH) return '\\\\';
  return byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\${String(byte).padStart(3, '0')}`;
});

/** The bytes of what {@link escapeText} writes; characters beyond it stand for their UTF-8. */
export function unescapeText(text: string): Uint8Array {
  const plain = new Uint8Array(text.length);
  for (let i = 0; ; i++) {
    if (i === text.length) return plain;
    const code = text.charCodeAt(i);
    // Labels and names are mostly letters: what follows takes ten times as long.
    if (code > 0x7f || code === BACKSLASH) break;
    plain[i] = code;
  }
  const bytes: number[] = [];
  for (const [whole, escaped] of text.matchAll(/\\([0-9]{3}|[\s\S])|[^\\]+|\\$/g)) {
    if (escaped === undefined) bytes.push(...UTF8.encode(whole));
    else if (escaped.length === 3) bytes.push(Number(escaped) & 255);
    else bytes.push(...UTF8.encode(escaped));
  }
  return Uint8Array.from(bytes);
}

const UTF8 = new TextEncoder();

/** Text of a file or a user with every control character as an escape: what a terminal would act upon. */
export function escapeControls(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}
