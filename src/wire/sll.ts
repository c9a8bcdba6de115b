/**
 * Linux cooked captures, what the interface `any` gives: LINKTYPE_LINUX_SLL and LINKTYPE_LINUX_SLL2.
 *
 *     v1   packet type:2 hardware type:2 address length:2 address:8 protocol:2                            16 bytes
 *     v2   protocol:2 reserved:2 interface:4 hardware type:2 packet type:1 address length:1 address:8     20 bytes
 *
 * https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL.html and LINKTYPE_LINUX_SLL2.html
 */
import { type Next, type Packet, payload } from './packet.js';
import { formatHardware, hardwareBytes } from './text.js';

export interface SllMessage {
  readonly protocol: 'sll';
  readonly version: 1 | 2;
  /** packet(7): 0 to us, 1 broadcast, 2 multicast, 3 to somebody else, 4 from us. */
  readonly packetType: number;
  /** ARPHRD_ number. */
  readonly hardwareType: number;
  /** Up to eight bytes, empty where the link has no addresses. */
  readonly source: string;
  /** Version 2 only. */
  readonly interfaceIndex?: number;
  readonly etherType: number;
}

export const SLL_HEADER = 16;
export const SLL2_HEADER = 20;

/** Links of netlink messages, whose protocol field is a netlink family instead of an EtherType. */
const ARPHRD_NETLINK = 824;

/** An LLC header follows (linux/if_ether.h). */
const ETH_P_802_2 = 4;

export function decodeSll(packet: Packet, at: number, end: number): Next {
  if (!packet.has('sll', at, end, SLL_HEADER)) return payload(at, end);
  const { view, bytes } = packet;
  const hardwareType = view.getUint16(at + 2);
  const etherType = view.getUint16(at + 14);
  packet.layers.push({
    protocol: 'sll',
    version: 1,
    packetType: view.getUint16(at),
    hardwareType,
    source: formatHardware(bytes, at + 6, Math.min(8, view.getUint16(at + 4))),
    etherType,
  });
  return cookedNext(hardwareType, etherType, at + SLL_HEADER, end);
}

export function decodeSll2(packet: Packet, at: number, end: number): Next {
  if (!packet.has('sll', at, end, SLL2_HEADER)) return payload(at, end);
  const { view, bytes } = packet;
  const hardwareType = view.getUint16(at + 8);
  const etherType = view.getUint16(at);
  packet.layers.push({
    protocol: 'sll',
    version: 2,
    packetType: view.getUint8(at + 10),
    hardwareType,
    source: formatHardware(bytes, at + 12, Math.min(8, view.getUint8(at + 11))),
    interfaceIndex: view.getUint32(at + 4),
    etherType,
  });
  return cookedNext(hardwareType, etherType, at + SLL2_HEADER, end);
}

/** Protocols below 1536 are Linux's own (802.3, LLC, CAN): no EtherType has such a number. */
function cookedNext(hardwareType: number, etherType: number, at: number, end: number): Next {
  if (hardwareType === ARPHRD_NETLINK) return payload(at, end);
  if (etherType === ETH_P_802_2) return { table: 'llc', key: 0, at, end };
  return { table: 'etherType', key: etherType, at, end };
}

/**
 * Writes the header of the message's version into `into` at `offset`; returns where the payload goes.
 *
 * @throws UsageError for what is no hardware address, RangeError for one of more than eight bytes
 */
export function encodeSll(message: Omit<SllMessage, 'protocol'>, into: Uint8Array, offset = 0): number {
  const address = hardwareBytes(message.source);
  if (address.length > 8)
    throw new RangeError(`a cooked header has room for 8 bytes of address, not ${address.length}`);
  const length = message.version === 1 ? SLL_HEADER : SLL2_HEADER;
  const view = new DataView(into.buffer, into.byteOffset + offset, length);
  into.fill(0, offset, offset + length);
  if (message.version === 1) {
    view.setUint16(0, message.packetType);
    view.setUint16(2, message.hardwareType);
    view.setUint16(4, address.length);
    into.set(address, offset + 6);
    view.setUint16(14, message.etherType);
  } else {
    view.setUint16(0, message.etherType);
    view.setUint32(4, message.interfaceIndex ?? 0);
    view.setUint16(8, message.hardwareType);
    view.setUint8(10, message.packetType);
    view.setUint8(11, address.length);
    into.set(address, offset + 12);
  }
  return offset + length;
}
