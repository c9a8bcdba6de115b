/**
 * Netlink's framing, netlink(7): messages in a datagram, attributes in a message, and the request for a dump. Reads
 * whatever the bytes hold without throwing: what is cut or claims more than there is ends the walk.
 */
import { NLMSG_ALIGN, NLMSGHDR_SIZE, Nlmsghdr, RTATTR_SIZE, Rtattr } from '../layout.js';

/** nlmsg_type of the messages that every netlink family has. */
export const NLMSG_NOOP = 1;
export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;
export const NLMSG_OVERRUN = 4;

/** nlmsg_flags */
export const NLM_F_REQUEST = 0x1;
/** A part of a dump. */
export const NLM_F_MULTI = 0x2;
export const NLM_F_ACK = 0x4;
/** A new entry where there is none. */
export const NLM_F_CREATE = 0x400;
/** What is dumped changed meanwhile: entries may be missing. */
export const NLM_F_DUMP_INTR = 0x10;
/** NLM_F_ROOT | NLM_F_MATCH */
export const NLM_F_DUMP = 0x300;

export interface NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  /** The port that the request came from which this answers. */
  readonly port: number;
  /** What follows the header; a view. */
  readonly body: Uint8Array;
}

const align = (length: number) => (length + NLMSG_ALIGN - 1) & ~(NLMSG_ALIGN - 1);
const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** The messages of one datagram, in their order. */
export function* netlinkMessages(bytes: Uint8Array): Generator<NetlinkMessage, void> {
  const view = viewOf(bytes);
  for (let at = 0; bytes.length - at >= NLMSGHDR_SIZE; ) {
    const length = view.getUint32(at + Nlmsghdr.length, true);
    if (length < NLMSGHDR_SIZE || length > bytes.length - at) return;
    yield {
      type: view.getUint16(at + Nlmsghdr.type, true),
      flags: view.getUint16(at + Nlmsghdr.flags, true),
      sequence: view.getUint32(at + Nlmsghdr.sequence, true),
      port: view.getUint32(at + Nlmsghdr.port, true),
      body: bytes.subarray(at + NLMSGHDR_SIZE, at + length),
    };
    at += align(length);
  }
}

/** One message of `type` with `body`. */
export function encodeNetlinkMessage(message: NetlinkMessage): Uint8Array {
  const bytes = new Uint8Array(NLMSGHDR_SIZE + align(message.body.length));
  const view = viewOf(bytes);
  view.setUint32(Nlmsghdr.length, NLMSGHDR_SIZE + message.body.length, true);
  view.setUint16(Nlmsghdr.type, message.type, true);
  view.setUint16(Nlmsghdr.flags, message.flags, true);
  view.setUint32(Nlmsghdr.sequence, message.sequence, true);
  view.setUint32(Nlmsghdr.port, message.port, true);
  bytes.set(message.body, NLMSGHDR_SIZE);
  return bytes;
}

/** One attribute, filled up to where the next one begins. */
export function encodeAttribute(type: number, value: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(align(RTATTR_SIZE + value.length));
  const view = viewOf(bytes);
  view.setUint16(Rtattr.length, RTATTR_SIZE + value.length, true);
  view.setUint16(Rtattr.type, type, true);
  bytes.set(value, RTATTR_SIZE);
  return bytes;
}

/** The upper two bits of a type say that attributes are within it, and in which byte order it is. */
const TYPE_MASK = 0x3fff;

const text = new TextDecoder();

/** The attributes (struct rtattr) of a message or of another attribute, by their type; of two the last counts. */
export class Attributes {
  readonly #found = new Map<number, Uint8Array>();

  /** @param start where they begin: behind the message's own structure */
  constructor(bytes: Uint8Array, start = 0) {
    const view = viewOf(bytes);
    for (let at = start; bytes.length - at >= RTATTR_SIZE; ) {
      const length = view.getUint16(at + Rtattr.length, true);
      if (length < RTATTR_SIZE || length > bytes.length - at) return;
      const type = view.getUint16(at + Rtattr.type, true) & TYPE_MASK;
      this.#found.set(type, bytes.subarray(at + RTATTR_SIZE, at + length));
      at += align(length);
    }
  }

  has(type: number): boolean {
    return this.#found.has(type);
  }

  /** A view; undefined where it is missing or empty. */
  bytes(type: number): Uint8Array | undefined {
    const found = this.#found.get(type);
    return found === undefined || found.length === 0 ? undefined : found;
  }

  /** A number of 8 bits. */
  u8(type: number): number | undefined {
    return this.#found.get(type)?.[0];
  }

  /** A number of 32 bits; undefined where it is missing or too short, as for all of these. */
  u32(type: number): number | undefined {
    const found = this.#found.get(type);
    return found === undefined || found.length < 4 ? undefined : viewOf(found).getUint32(0, true);
  }

  /** Text, up to its zero byte. */
  text(type: number): string | undefined {
    const found = this.bytes(type);
    if (found === undefined) return undefined;
    const end = found.indexOf(0);
    const shown = text.decode(end < 0 ? found : found.subarray(0, end));
    return shown === '' ? undefined : shown;
  }

  nested(type: number): Attributes | undefined {
    const found = this.#found.get(type);
    return found === undefined ? undefined : new Attributes(found);
  }
}
