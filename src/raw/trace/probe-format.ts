/**
 * How probes look, and which one a quote or an answer is of. Each has a serial number of 16 bits, neither 0 nor 0xffff,
 * which stands where the protocol and the multipath strategy put it: see icmp-format.ts, udp-format.ts, tcp-format.ts.
 *
 * Wherever there is a payload, it begins with a token that only this trace knows and with the serial number, so that a
 * quote that is long enough leaves no doubt, whatever has been done to its headers.
 *
 *     +---------------------------------------------------------------+
 *     |                             token                             |
 *     +-------------------------------+-------------------------------+
 *     |         serial number         |  balance: makes the checksum  |
 *     +-------------------------------+-------------------------------+
 *     |                             filling                           |
 */
import type { IPAddress } from '../../sockaddr/ip.js';
import { foldCarries } from '../../wire/checksum.js';
import type { TcpFlag } from '../../wire/tcp.js';
import type { TraceMultipath } from './options.js';
import { QUOTED_BYTES } from './quote.js';

/** Serial numbers go from 1 to this, and begin again. */
export const SERIAL_MAX = 0xfffe;

export interface FormatOptions {
  readonly target: IPAddress;
  readonly source: IPAddress;
  readonly multipath: TraceMultipath;
  /** The destination's: of all probes, or of the first. */
  readonly port: number;
  /** Whether flows may differ in the destination's port, since nobody has asked for this one. */
  readonly portIsFree: boolean;
  /** Own ports: one for each flow. */
  readonly sourcePorts: readonly number[];
  /** Of ICMP echo; 16 bits. */
  readonly identifier: number;
  /** Four bytes. */
  readonly token: Uint8Array;
  /** What the sequence numbers of TCP count from; 32 bits. */
  readonly sequenceBase: number;
  /** The first serial number. */
  readonly firstSerial: number;
  /** Bytes behind the header of the protocol; see {@link PAYLOAD_MIN}. */
  readonly payloadLength: number;
}

/** Token, serial number and balance. */
export const PAYLOAD_MIN = 8;

/** What the target itself has sent. */
export interface TargetAnswer {
  /** Null where it may be to any probe of {@link flow}. */
  readonly serial: number | null;
  /** Of what does not say which probe it is to: only that the target itself has sent it makes it an answer. */
  readonly flow?: number;
  readonly tcpFlags?: readonly TcpFlag[];
}

export interface ProbeFormat {
  /** IP protocol number. */
  readonly protocol: number;
  /** Whether all that the target sends says which probe it is to; a service's own words do not. */
  readonly isNamed: boolean;
  /** The whole message, its checksum included. */
  encode(serial: number, flow: number): Uint8Array;
  /**
   * The serial number in a quoted message: by its payload where that is there, which leaves no doubt ('certain'), or by
   * its header ('likely'). 'foreign' where the payload is somebody else's, 'none' where the header has no such number.
   */
  identify(message: Uint8Array, identification: number | null): Identity;
  /** Whether what is quoted is the probe whose message began with `header`, but for what translators change. */
  sameButTranslated(header: Uint8Array, message: Uint8Array): boolean;
  /** Whether ports, identifier or checksum are not those of the probe whose message began with `header`. */
  translated(header: Uint8Array, message: Uint8Array): boolean;
  /** Which probe a message from the target answers; undefined for what answers none. */
  answer(message: Uint8Array): TargetAnswer | undefined;
}

export type Identity =
  | { readonly kind: 'certain' | 'likely'; readonly serial: number }
  | { readonly kind: 'none' }
  | { readonly kind: 'foreign' };

export const NO_IDENTITY: Identity = { kind: 'none' };
export const FOREIGN: Identity = { kind: 'foreign' };

/** A payload of `length` bytes: token, serial number, nothing for the balance, then the bytes 8, 9, 10, … */
export function payloadOf(length: number, token: Uint8Array, serial: number): Uint8Array {
  const payload = Uint8Array.from({ length }, (_, i) => i & 255);
  payload.set(token);
  payload[4] = serial >> 8;
  payload[5] = serial & 255;
  payload[6] = 0;
  payload[7] = 0;
  return payload;
}

/**
 * The serial number in a payload that begins at `at`; undefined where so much of it is not there, null where it is
 * somebody else's. Zeros may have been filled in by who quotes (RFC 4884 section 5.1).
 */
export function serialInPayload(message: Uint8Array, at: number, token: Uint8Array): number | null | undefined {
  if (message.length < at + 6) return undefined;
  let blank = true;
  let same = true;
  for (let i = 0; i < token.length; i++) {
    if (message[at + i] !== 0) blank = false;
    if (message[at + i] !== token[i]) same = false;
  }
  if (same) return read16(message, at + 4);
  return blank ? undefined : null;
}

/** What has to be added to `sum` to make `wanted` of it, in one's complement; `wanted` is not 0. */
export function balance(sum: number, wanted: number): number {
  return foldCarries(wanted + (~foldCarries(sum) & 0xffff));
}

export function read16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

export function read32(bytes: Uint8Array, at: number): number {
  return read16(bytes, at) * 0x1_0000 + read16(bytes, at + 2);
}

export function write16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >> 8;
  bytes[at + 1] = value & 255;
}

/** Whether `[from, to)` of both are equal; both have eight bytes. */
export function sameBytes(a: Uint8Array, b: Uint8Array, from = 0, to = QUOTED_BYTES): boolean {
  for (let i = from; i < to; i++) if (a[i] !== b[i]) return false;
  return true;
}
