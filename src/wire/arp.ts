/**
 * ARP (RFC 826), with Ethernet and IPv4 addresses or any others by their lengths.
 *
 *     +-----------------+-----------------+------------+------------+-----------+
 *     |  hardware (16)  |  protocol (16)  | hw len (8) | pr len (8) | oper (16) |
 *     +-----------------+-----------------+------------+------------+-----------+
 *     | sender hardware | sender protocol | target hardware | target protocol   |
 *     +-------------------------------------------------------------------------+
 */
import { parseIPv4 } from '../sockaddr/ip.js';
import { formatIPv4 } from '../sockaddr/ip-text.js';
import { EtherType } from './numbers.js';
import { type Next, NOTHING, type Packet, payload } from './packet.js';
import { formatHardware, hardwareBytes, hex, hexBytes } from './text.js';

export interface ArpMessage {
  readonly protocol: 'arp';
  /** 1 is Ethernet. */
  readonly hardwareType: number;
  /** An EtherType. */
  readonly protocolType: number;
  /** 1 request, 2 reply. */
  readonly operation: number;
  /** Bytes in hex, with colons; empty where the length is 0. */
  readonly senderHardware: string;
  /** Dotted where it is an IPv4 address, otherwise hex. */
  readonly senderProtocol: string;
  readonly targetHardware: string;
  readonly targetProtocol: string;
}

const FIXED = 8;

export function decodeArp(packet: Packet, at: number, end: number): Next {
  if (!packet.has('arp', at, end, FIXED)) return payload(at, end);
  const { view, bytes } = packet;
  const hardware = view.getUint8(at + 4);
  const protocol = view.getUint8(at + 5);
  if (!packet.has('arp', at, end, FIXED + 2 * (hardware + protocol), 'address lengths')) return payload(at, end);
  const protocolType = view.getUint16(at + 2);
  const dotted = protocolType === EtherType.ipv4 && protocol === 4;
  const sender = at + FIXED;
  const senderEnd = sender + hardware + protocol;
  const target = senderEnd;
  const targetEnd = target + hardware + protocol;
  packet.layers.push({
    protocol: 'arp',
    hardwareType: view.getUint16(at),
    protocolType,
    operation: view.getUint16(at + 6),
    senderHardware: formatHardware(bytes, sender, hardware),
    senderProtocol: dotted ? formatIPv4(bytes, senderEnd - 4) : hex(bytes, sender + hardware, senderEnd),
    targetHardware: formatHardware(bytes, target, hardware),
    targetProtocol: dotted ? formatIPv4(bytes, targetEnd - 4) : hex(bytes, target + hardware, targetEnd),
  });
  // What follows on Ethernet is padding.
  return NOTHING;
}

/**
 * Writes the packet into `into` at `offset`, address lengths by the addresses (28 bytes for Ethernet and IPv4);
 * returns the end.
 *
 * @throws AddressError or UsageError for addresses in another form, RangeError for sender and target of two lengths
 */
export function encodeArp(message: Omit<ArpMessage, 'protocol'>, into: Uint8Array, offset = 0): number {
  const senderHardware = hardwareBytes(message.senderHardware);
  const targetHardware = hardwareBytes(message.targetHardware);
  const senderProtocol = protocolBytes(message.senderProtocol);
  const targetProtocol = protocolBytes(message.targetProtocol);
  if (senderHardware.length !== targetHardware.length || senderProtocol.length !== targetProtocol.length) {
    throw new RangeError('sender and target addresses of ARP have the same length');
  }
  const length = FIXED + 2 * (senderHardware.length + senderProtocol.length);
  const view = new DataView(into.buffer, into.byteOffset + offset, length);
  view.setUint16(0, message.hardwareType);
  view.setUint16(2, message.protocolType);
  view.setUint8(4, senderHardware.length);
  view.setUint8(5, senderProtocol.length);
  view.setUint16(6, message.operation);
  let at = offset + FIXED;
  for (const part of [senderHardware, senderProtocol, targetHardware, targetProtocol]) {
    into.set(part, at);
    at += part.length;
  }
  return at;
}

const protocolBytes = (text: string): Uint8Array => (text.includes('.') ? parseIPv4(text).toBytes() : hexBytes(text));
