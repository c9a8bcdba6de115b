/**
 * ARP (RFC 826), Ethernet and IPv4 addresses or any others by their lengths.
 *
 *     hardware:2 protocol:2 hardware length:1 protocol length:1 operation:2, then sender and target addresses
 */
import { formatIPv4, parseIPv4 } from '../sockaddr/ip.js';
import { formatHardware, hardwareBytes, hex, type Next, NOTHING, type Packet } from './packet.js';

export interface ArpMessage {
  readonly protocol: 'arp';
  readonly hardwareType: number;
  readonly protocolType: number;
  /** 1 request, 2 reply. */
  readonly operation: number;
  readonly senderHardware: string;
  readonly senderProtocol: string;
  readonly targetHardware: string;
  readonly targetProtocol: string;
}

const FIXED = 8;

export function decodeArp(packet: Packet, at: number, end: number): Next {
  if (!packet.has('arp', at, end, FIXED)) return { table: 'payload', key: 0, at, end };
  const { view, bytes } = packet;
  const hardware = view.getUint8(at + 4);
  const protocol = view.getUint8(at + 5);
  const need = FIXED + 2 * (hardware + protocol);
  if (end - at < need) {
    packet.fail('arp', at, need, end - at, 'address lengths');
    return { table: 'payload', key: 0, at, end };
  }
  const protocolType = view.getUint16(at + 2);
  const address = (start: number) =>
    protocolType === 0x0800 && protocol === 4 ? formatIPv4(bytes, start) : hex(bytes, start, start + protocol);
  const sender = at + FIXED;
  const target = sender + hardware + protocol;
  packet.layers.push({
    protocol: 'arp',
    hardwareType: view.getUint16(at),
    protocolType,
    operation: view.getUint16(at + 6),
    senderHardware: formatHardware(bytes, sender, hardware),
    senderProtocol: address(sender + hardware),
    targetHardware: formatHardware(bytes, target, hardware),
    targetProtocol: address(target + hardware),
  });
  // What follows on Ethernet is padding.
  return NOTHING;
}

/** The 28 bytes of an Ethernet and IPv4 packet, written to `into` at `offset`; returns the end. */
export function encodeArp(message: Omit<ArpMessage, 'protocol'>, into: Uint8Array, offset = 0): number {
  const view = new DataView(into.buffer, into.byteOffset + offset, 28);
  view.setUint16(0, message.hardwareType);
  view.setUint16(2, message.protocolType);
  view.setUint8(4, 6);
  view.setUint8(5, 4);
  view.setUint16(6, message.operation);
  into.set(hardwareBytes(message.senderHardware), offset + 8);
  into.set(parseIPv4(message.senderProtocol).toBytes(), offset + 14);
  into.set(hardwareBytes(message.targetHardware), offset + 18);
  into.set(parseIPv4(message.targetProtocol).toBytes(), offset + 24);
  return offset + 28;
}
