/**
 * Bridge protocol data units of the spanning tree (IEEE 802.1D-2004 clause 9; MSTP: 802.1Q clause 14).
 *
 *     protocol:2 version:1 type:1
 *     flags:1 root:8 root path cost:4 bridge:8 port:2 message age:2 max age:2 hello time:2 forward delay:2
 *     version 2 and later: version 1 length:1; version 3 goes on with its own, given as hex
 */
import { ByteList } from './byte-list.js';
import { Cursor } from './cursor.js';
import { type Next, type Packet, payload } from './packet.js';

export interface BridgeId {
  /** In steps of 4096. */
  readonly priority: number;
  /** 12 bits: the VLAN, or the instance. */
  readonly systemId: number;
  readonly address: string;
}

export interface StpMessage {
  readonly protocol: 'stp';
  /** 0 spanning tree, 2 rapid, 3 multiple. */
  readonly version: number;
  /** 0 configuration, 0x80 topology change notification, 2 rapid and multiple. */
  readonly bpduType: number;
  readonly flags?: number;
  readonly root?: BridgeId;
  readonly rootPathCost?: number;
  readonly bridge?: BridgeId;
  /** Priority in the upper four bits. */
  readonly port?: number;
  /** In seconds; the wire has 256ths of them. */
  readonly messageAge?: number;
  readonly maxAge?: number;
  readonly helloTime?: number;
  readonly forwardDelay?: number;
  /** Of version 2 and later, 0. */
  readonly version1Length?: number;
  /** Of version 3, in hex. */
  readonly multiple?: string;
}

export const BpduType = { configuration: 0, rapid: 2, topologyChange: 0x80 } as const;
const CONFIGURATION = 31;

export function decodeStp(packet: Packet, at: number, end: number): Next {
  const cursor = new Cursor(packet, 'stp', at, end);
  if (!cursor.has(4) || packet.view.getUint16(at) !== 0) return payload(at, end);
  cursor.at += 2;
  const message: StpMessage = { protocol: 'stp', version: cursor.u8(), bpduType: cursor.u8() };
  if (message.bpduType === BpduType.topologyChange || !cursor.has(CONFIGURATION)) {
    packet.layers.push(message);
    return payload(cursor.at, end);
  }
  const time = () => cursor.u16() / 256;
  const full: StpMessage = {
    ...message,
    flags: cursor.u8(),
    root: bridgeId(cursor),
    rootPathCost: cursor.u32(),
    bridge: bridgeId(cursor),
    port: cursor.u16(),
    messageAge: time(),
    maxAge: time(),
    helloTime: time(),
    forwardDelay: time(),
  };
  if (message.version < 2 || cursor.left < 1) {
    packet.layers.push(full);
    return payload(cursor.at, end);
  }
  const version1Length = cursor.u8();
  if (message.version < 3 || cursor.left < 2) {
    packet.layers.push({ ...full, version1Length });
    return payload(cursor.at, end);
  }
  const length = cursor.u16();
  packet.layers.push({ ...full, version1Length, multiple: cursor.part(length, 'version 3 length').hex() });
  return payload(cursor.at, end);
}

function bridgeId(cursor: Cursor): BridgeId {
  const word = cursor.u16();
  return { priority: word & 0xf000, systemId: word & 0xfff, address: cursor.hardware() };
}

/** @throws UsageError for addresses of another form */
export function encodeStp(message: Omit<StpMessage, 'protocol'>): Uint8Array {
  const bytes = new ByteList().u16(0).u8(message.version).u8(message.bpduType);
  const { root, bridge } = message;
  if (root === undefined || bridge === undefined) return bytes.toBytes();
  const writeBridge = ({ priority, systemId, address }: BridgeId) =>
    bytes.u16((priority & 0xf000) | (systemId & 0xfff)).hardware(address, 6);
  const writeTime = (seconds = 0) => bytes.u16(Math.round(seconds * 256));
  bytes.u8(message.flags ?? 0);
  writeBridge(root);
  bytes.u32(message.rootPathCost ?? 0);
  writeBridge(bridge);
  bytes.u16(message.port ?? 0);
  writeTime(message.messageAge);
  writeTime(message.maxAge);
  writeTime(message.helloTime);
  writeTime(message.forwardDelay);
  if (message.version1Length !== undefined) bytes.u8(message.version1Length);
  if (message.multiple !== undefined) bytes.u16(message.multiple.length / 2).hex(message.multiple);
  return bytes.toBytes();
}
