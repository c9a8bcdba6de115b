/**
 * The bytes of probes: a template for each family, in which what differs from probe to probe is written over, and the
 * checksum is that of the template with it (RFC 1624).
 *
 * Echo (RFC 792, RFC 4443 section 4.1) and timestamp (RFC 792):
 *
 *     +---------------+---------------+-------------------------------+
 *     |     type      |       0       |           checksum            |
 *     +---------------+---------------+-------------------------------+
 *     |          identifier           |           sequence            |
 *     +---------------------------------------------------------------+
 *     |  echo: token.ts, then a pattern     timestamp: originate, 0, 0 |
 *     +---------------------------------------------------------------+
 */
import { DAY_MS } from '../../measure/clock.js';
import type { IPFamily } from '../../sockaddr/ip.js';
import { foldSum, sumWords, viewOf } from '../../wire/checksum.js';
import { ICMP_HEADER, IcmpType } from '../../wire/icmp.js';
import { Icmpv6Type } from '../../wire/icmpv6.js';
import { TOKEN_LENGTH, TokenCode } from './token.js';

/** Header and the three timestamps of RFC 792. */
export const TIMESTAMP_LENGTH = 20;
const WORD = 2 ** 32;
/** Type and code of an echo request, which a reply has as 0 (RFC 792). */
const REQUEST_WORD = IcmpType.echoRequest << 8;

export interface WriterOptions {
  readonly kind: 'echo' | 'timestamp';
  /** Payload bytes of an echo request. */
  readonly size: number;
  /** Behind the token, again and again; the bytes count up without it. */
  readonly pattern: Uint8Array | undefined;
  readonly identifier: number;
  /** 8 random bytes. */
  readonly key: Uint8Array;
}

export class ProbeWriter {
  /** Bytes of a probe, and the most that one can have. */
  readonly length: number;
  /** The token's code of the last probe, for those who keep it; see {@link TokenCode}. */
  readonly #code: TokenCode;
  readonly #timestamp: boolean;
  /** Bytes of the token that there is room for. */
  readonly #tokenLength: number;
  /** The template; its sum is that of everything but sequence, token and originate. */
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #sum: number;
  readonly #token = new Uint8Array(TOKEN_LENGTH);
  readonly #tokenView = new DataView(this.#token.buffer);

  constructor({ kind, size, pattern, identifier, key }: WriterOptions) {
    this.#code = new TokenCode(key);
    this.#timestamp = kind === 'timestamp';
    this.length = this.#timestamp ? TIMESTAMP_LENGTH : ICMP_HEADER + size;
    this.#tokenLength = this.#timestamp ? 0 : Math.min(TOKEN_LENGTH, size);
    const bytes = new Uint8Array(this.length);
    bytes[0] = this.#timestamp ? IcmpType.timestampRequest : IcmpType.echoRequest;
    bytes[4] = identifier >> 8;
    bytes[5] = identifier & 255;
    for (let i = ICMP_HEADER + TOKEN_LENGTH; i < bytes.length; i++) {
      const at = i - ICMP_HEADER;
      bytes[i] = pattern === undefined ? at : (pattern[(at - TOKEN_LENGTH) % pattern.length] as number);
    }
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
    this.#sum = sumWords(bytes, 0, bytes.length);
  }

  /**
   * Writes a probe into `into`, of which `length` bytes from `at` on are to be its.
   *
   * @param number of the probe in the run
   * @param sequence the host's own, of which the wire has 16 bits
   * @param originate milliseconds since midnight UTC, for timestamp requests
   */
  write(
    family: IPFamily,
    number: number,
    sequence: number,
    originate: number,
    into: Uint8Array,
    at = 0,
    length = this.length,
  ): void {
    const words = sequence & 0xffff;
    const whole = length === this.length;
    into.set(whole ? this.#bytes : this.#bytes.subarray(0, length), at);
    into[at + 6] = words >> 8;
    into[at + 7] = words & 255;
    let sum = (whole ? this.#sum : sumWords(this.#bytes, 0, length)) + words;
    if (this.#timestamp) {
      writeWord(into, at + ICMP_HEADER, originate);
      sum += (originate >>> 16) + (originate & 0xffff);
    } else {
      const tokenLength = Math.min(this.#tokenLength, length - ICMP_HEADER);
      const token = this.makeToken(number);
      const from = at + ICMP_HEADER;
      for (let i = 0; i < tokenLength; i++) into[from + i] = token[i] as number;
      sum += sumWords(token, 0, tokenLength);
    }
    if (family === 'ipv6') {
      // The kernel knows the source address, and fills in the checksum (RFC 3542 section 3.1).
      into[at] = Icmpv6Type.echoRequest;
      return;
    }
    const field = foldSum(sum);
    into[at + 2] = field >> 8;
    into[at + 3] = field & 255;
  }

  /**
   * Makes another probe out of the one that {@link write} has put at `at`: for the same sequence, with the token of
   * `number`. For echo requests with all of a token.
   *
   * @param ipv4 whether the checksum is to be written
   */
  renumber(ipv4: boolean, number: number, sequence: number, into: Uint8Array, at: number): void {
    const low = number % WORD;
    const high = Math.floor(number / WORD);
    this.#code.compute(low, high);
    const { first, second } = this.#code;
    const token = at + ICMP_HEADER;
    writeWord(into, token, first);
    writeWord(into, token + 4, second);
    writeWord(into, token + 8, high);
    writeWord(into, token + 12, low);
    if (!ipv4) return;
    const sum = halves(first) + halves(second) + halves(high) + halves(low);
    const field = foldSum(this.#sum + (sequence & 0xffff) + sum);
    into[at + 2] = field >> 8;
    into[at + 3] = field & 255;
  }

  /** The token of a probe, valid until the next one is asked for. */
  makeToken(number: number): Uint8Array {
    const low = number % WORD;
    const high = Math.floor(number / WORD);
    this.#code.compute(low, high);
    const view = this.#tokenView;
    view.setUint32(0, this.#code.first);
    view.setUint32(4, this.#code.second);
    view.setUint32(8, high);
    view.setUint32(12, low);
    return this.#token;
  }

  /**
   * Where the payload of a reply differs from the probe's.
   *
   * @param bytes the payload is `[start, end)` of them
   * @param number of the probe, which had `length` bytes
   * @returns the first byte of the payload that does, and {@link differing}; -1 where it is what was sent
   */
  compare(bytes: Uint8Array, start: number, end: number, number: number, length = this.length): number {
    const there = end - start;
    const token = this.makeToken(number);
    const tokenEnd = Math.min(length - ICMP_HEADER, there, this.#tokenLength);
    let first = -1;
    this.differing = 0;
    for (let i = 0; i < tokenEnd; i++) {
      if (bytes[start + i] === token[i]) continue;
      if (first < 0) first = i;
      this.differing++;
    }
    const behind = this.#compareFill(bytes, start, end, length - ICMP_HEADER, tokenEnd);
    return first < 0 ? behind : first;
  }

  /**
   * Whether an echo reply is what was sent, to the byte, with the checksum that follows from that: nearly all are, and the
   * others have to be looked at more closely.
   *
   * @param number what {@link readNumber} has found in it just now
   * @param ipv4 whether code and checksum count; others have been looked at by the kernel
   */
  isAsSent(ipv4: boolean, number: number, sequence: number, bytes: Uint8Array, start: number, end: number): boolean {
    const { length } = this;
    if (end - start !== length) return false;
    const expected = this.#view;
    const view = viewOf(bytes.buffer);
    const place = bytes.byteOffset + start;
    let at = ICMP_HEADER + TOKEN_LENGTH;
    for (; at + 4 <= length; at += 4) if (view.getInt32(place + at) !== expected.getInt32(at)) return false;
    for (; at < length; at++) if (bytes[start + at] !== this.#bytes[at]) return false;
    this.differing = 0;
    if (!ipv4) return true;
    const { first, second } = this.#code;
    const token = halves(first) + halves(second) + halves(Math.floor(number / WORD)) + halves(number % WORD);
    const field = foldSum(this.#sum - REQUEST_WORD + (sequence & 0xffff) + token);
    return bytes[start + 1] === 0 && bytes[start + 2] === field >> 8 && bytes[start + 3] === (field & 255);
  }

  /** As {@link compare}, for a payload whose token {@link readNumber} has found right. */
  compareBehindToken(bytes: Uint8Array, start: number, end: number): number {
    this.differing = 0;
    return this.#compareFill(bytes, start, end, this.length - ICMP_HEADER, TOKEN_LENGTH);
  }

  /** The rest of a payload of `size` bytes, from byte `from` of it on. */
  #compareFill(bytes: Uint8Array, start: number, end: number, size: number, from: number): number {
    const expected = this.#bytes;
    const there = end - start;
    const common = Math.min(size, there);
    let first = -1;
    let count = 0;
    for (let i = from; i < common; i++) {
      if (bytes[start + i] === expected[ICMP_HEADER + i]) continue;
      if (first < 0) first = i;
      count++;
    }
    if (there !== size) {
      if (first < 0) first = common;
      count += Math.abs(there - size);
    }
    this.differing += count;
    return first;
  }

  /** Bytes that the last {@link compare} has found to differ, missing and additional ones included. */
  differing = 0;

  /**
   * Whether a payload that may be changed, or cut, can be that of the probe all the same: at least half of what there is
   * of the token's code, which nobody else can make, is right. True where there is none.
   */
  resembles(bytes: Uint8Array, start: number, end: number, number: number): boolean {
    const there = Math.min(end - start, this.#tokenLength, 8);
    if (there <= 0) return true;
    const token = this.makeToken(number);
    let right = 0;
    for (let i = 0; i < there; i++) if (bytes[start + i] === token[i]) right++;
    return right * 2 >= there;
  }

  /** The number of the probe that a payload claims to be about; -1 where it has no token of this run. */
  readNumber(bytes: Uint8Array, start: number, end: number): number {
    if (this.#tokenLength < TOKEN_LENGTH || end - start < TOKEN_LENGTH) return -1;
    const high = readWord(bytes, start + 8);
    const low = readWord(bytes, start + 12);
    this.#code.compute(low, high);
    const right = readWord(bytes, start) === this.#code.first && readWord(bytes, start + 4) === this.#code.second;
    return right ? high * WORD + low : -1;
  }
}

/** Milliseconds since midnight UTC, as RFC 792 counts them. */
export function millisecondsOfDay(seconds: number, nanoseconds: number): number {
  return (seconds * 1000 + Math.floor(nanoseconds / 1e6)) % DAY_MS;
}

export function readWord(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] as number) << 24) |
      ((bytes[at + 1] as number) << 16) |
      ((bytes[at + 2] as number) << 8) |
      (bytes[at + 3] as number)) >>>
    0
  );
}

/** The two words of 16 bits of one of 32, for a checksum. */
function halves(word: number): number {
  return (word >>> 16) + (word & 0xffff);
}

function writeWord(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = (value >>> 16) & 255;
  bytes[at + 2] = (value >>> 8) & 255;
  bytes[at + 3] = value & 255;
}
