/**
 * Endpoints of unix(7): a path in the file system, a name in the abstract namespace, or none.
 *
 * A name is bytes. Its text is the bytes as UTF-8, with `\xNN` for a byte that is no printable text, and `\\` for a
 * backslash. A text that begins with '@' is an abstract name; a path that begins so is written `./@name`, which is
 * the same file. The text of an unnamed socket is empty.
 */
import { isUtf8 } from 'node:buffer';
import { AddressError } from '../errors.js';

/** sizeof(sun_path) of unix(7). Linux takes a path that fills it and has no zero byte for its end. */
const SUN_PATH_SIZE = 108;

const FORM = 'write unix:/path, or unix:@name for an abstract name; \\xNN is a byte, \\\\ a backslash';

export class UnixEndpoint {
  readonly family = 'unix';
  readonly kind: 'path' | 'abstract' | 'unnamed';
  /** The text: a path, '@' and an abstract name, or nothing for an unnamed socket. */
  readonly path: string;
  readonly #bytes: Uint8Array;

  /**
   * @param sunPath the used part of sun_path: a zero byte and an abstract name, a path, which ends at its first zero
   * byte, or nothing; it is copied
   * @throws RangeError for more bytes than sun_path has
   */
  constructor(sunPath: Uint8Array) {
    const end = sunPath[0] === 0 ? -1 : sunPath.indexOf(0);
    // Not slice, which for a Buffer shares the memory.
    this.#bytes = Uint8Array.from(sunPath.subarray(0, end < 0 ? sunPath.length : end));
    if (this.#bytes.length > SUN_PATH_SIZE) {
      throw new RangeError(`sun_path has ${SUN_PATH_SIZE} bytes, not ${this.#bytes.length}`);
    }
    this.kind = this.#bytes.length === 0 ? 'unnamed' : this.#bytes[0] === 0 ? 'abstract' : 'path';
    this.path = this.kind === 'abstract' ? `@${formatBytes(this.#bytes.subarray(1))}` : formatPath(this.#bytes);
    Object.freeze(this);
  }

  /** The used part of sun_path without the zero byte that ends a path, a copy. */
  toBytes(): Uint8Array {
    return this.#bytes.slice();
  }

  /** The bytes of sun_path as the kernel is given them: a path ends with a zero byte where there is room for one. */
  toSunPath(): Uint8Array {
    const room = this.kind === 'path' && this.#bytes.length < SUN_PATH_SIZE ? 1 : 0;
    const bytes = new Uint8Array(this.#bytes.length + room);
    bytes.set(this.#bytes);
    return bytes;
  }

  equals(other: UnixEndpoint): boolean {
    return this.key === other.key;
  }

  /** Fit for the key of a Map. The text is not: the paths `@name` and `./@name` share it. */
  get key(): string {
    return `unix:${Buffer.from(this.#bytes).toString('hex')}`;
  }
}

/**
 * The endpoint that `text` names: a path, '@' and an abstract name, or nothing for an unnamed socket.
 *
 * @throws AddressError for a name that sun_path can't hold, and a backslash that begins nothing
 */
export function unixEndpoint(text: string): UnixEndpoint {
  return readUnixEndpoint(text, 0);
}

/** Like {@link unixEndpoint}, for a name that takes up the rest of `text` from `start`. */
export function readUnixEndpoint(text: string, start: number): UnixEndpoint {
  const abstract = text[start] === '@';
  const bytes = abstract ? [0] : [];
  let at = abstract ? start + 1 : start;
  while (at < text.length) {
    const { encoded, end } = readPiece(text, at);
    if (!abstract && encoded[0] === 0) throw new AddressError(text, at, 'a path cannot hold a zero byte', FORM);
    bytes.push(...encoded);
    at = end;
  }
  if (bytes.length > SUN_PATH_SIZE) {
    const reason = abstract ? 'the name and its zero byte have' : 'the path has';
    throw new AddressError(text, start, `${reason} ${bytes.length} bytes, at most ${SUN_PATH_SIZE} fit`, 'shorten it');
  }
  return new UnixEndpoint(Uint8Array.from(bytes));
}

/** The bytes that the character or escape at `at` stands for, and where the next one begins. */
function readPiece(text: string, at: number): { encoded: Uint8Array; end: number } {
  if (text[at] === '\\') {
    if (text[at + 1] === '\\') return { encoded: Uint8Array.of(0x5c), end: at + 2 };
    const hex = /^x([0-9a-f]{2})/i.exec(text.slice(at + 1, at + 4))?.[1];
    if (hex === undefined) throw new AddressError(text, at, "'\\' begins \\xNN or \\\\ alone", FORM);
    return { encoded: Uint8Array.of(Number.parseInt(hex, 16)), end: at + 4 };
  }
  const character = String.fromCodePoint(text.codePointAt(at) ?? 0);
  if (/\p{Cs}/u.test(character)) throw new AddressError(text, at, 'half a character (a lone surrogate)', FORM);
  return { encoded: new TextEncoder().encode(character), end: at + character.length };
}

function formatPath(bytes: Uint8Array): string {
  const text = formatBytes(bytes);
  if (!text.startsWith('@')) return text;
  // Where './' does not fit, the escape says as well that this is no abstract name.
  return bytes.length + 2 > SUN_PATH_SIZE ? `\\x40${text.slice(1)}` : `./${text}`;
}

/** Control and format characters, line and paragraph separators, and what Unicode has not assigned. */
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/u;

function formatBytes(bytes: Uint8Array): string {
  let text = '';
  let at = 0;
  while (at < bytes.length) {
    const character = readCharacter(bytes, at);
    if (character === undefined || UNPRINTABLE.test(character)) {
      // The bytes that follow in the same character are none by themselves, so each is escaped in its turn.
      text += `\\x${(bytes[at] ?? 0).toString(16).padStart(2, '0')}`;
      at++;
    } else {
      text += character === '\\' ? '\\\\' : character;
      at += Buffer.byteLength(character);
    }
  }
  return text;
}

/** The character whose UTF-8 begins at `at`, or undefined where none does (RFC 3629 section 3). */
function readCharacter(bytes: Uint8Array, at: number): string | undefined {
  const lead = bytes[at] ?? 0;
  const length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  const encoded = bytes.subarray(at, at + length);
  return encoded.length === length && isUtf8(encoded) ? Buffer.from(encoded).toString() : undefined;
}
