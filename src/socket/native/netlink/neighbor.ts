/** Neighbours and routes as the kernel tells them: RTM_NEWNEIGH and RTM_NEWROUTE of rtnetlink(7), and how they are asked for. */
import { type IPAddress, IPv4Address, IPv6Address } from '../../../sockaddr/ip.js';
import { HardwareAddress } from '../../../sockaddr/link-layer.js';
import { AddressFamily } from '../../../sockaddr/struct.js';
import { NDMSG_SIZE, Ndmsg, RTMSG_SIZE, Rtmsg } from '../layout.js';
import { Attributes, encodeAttribute } from './message.js';

/** rtnetlink(7) */
export const RTM_NEWROUTE = 24;
export const RTM_GETROUTE = 26;
export const RTM_NEWNEIGH = 28;
export const RTM_GETNEIGH = 30;
export const RTMGRP_NEIGH = { bit: 0x4, name: 'RTMGRP_NEIGH' };

/** NTF_USE of linux/neighbour.h: the kernel looks for it, as if it had a packet to send there. */
const NTF_USE = 0x1;
/** NUD_REACHABLE, STALE, DELAY, PROBE, NOARP and PERMANENT: its hardware address is worth something. */
const NUD_VALID = 0x02 | 0x04 | 0x08 | 0x10 | 0x40 | 0x80;
const NUD_FAILED = 0x20;

const Nda = { destination: 1, linkAddress: 2 } as const;
const Rta = { destination: 1, outgoing: 4, gateway: 5, via: 18 } as const;

export interface NeighborFacts {
  readonly index: number;
  readonly address: IPAddress;
  /** Undefined where it is not known, or not any more. */
  readonly hardware: HardwareAddress | undefined;
  /** The kernel has given up looking for it. */
  readonly failed: boolean;
}

/** Undefined for other families, or cut bytes. */
export function decodeNeighbor(body: Uint8Array): NeighborFacts | undefined {
  if (body.length < NDMSG_SIZE) return undefined;
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const attributes = new Attributes(body, NDMSG_SIZE);
  const address = ipAddress(attributes.bytes(Nda.destination));
  if (address === undefined) return undefined;
  const state = view.getUint16(Ndmsg.state, true);
  const hardware = (state & NUD_VALID) === 0 ? undefined : attributes.bytes(Nda.linkAddress);
  return {
    index: view.getInt32(Ndmsg.index, true),
    address,
    hardware: hardware === undefined || hardware.length > 32 ? undefined : new HardwareAddress(hardware),
    failed: (state & NUD_FAILED) !== 0,
  };
}

/** The body of RTM_GETNEIGH for one entry; with `use` that of RTM_NEWNEIGH, by which the kernel begins to look for it. */
export function encodeNeighbor(index: number, address: IPAddress, use: boolean): Uint8Array {
  const head = new Uint8Array(NDMSG_SIZE);
  const view = new DataView(head.buffer);
  head[Ndmsg.family] = familyOf(address);
  view.setInt32(Ndmsg.index, index, true);
  head[Ndmsg.flags] = use ? NTF_USE : 0;
  return Buffer.concat([head, encodeAttribute(Nda.destination, address.toBytes())]);
}

/** The gateway of the route that a body is about; undefined for one without. */
export function decodeGateway(body: Uint8Array): IPAddress | undefined {
  if (body.length < RTMSG_SIZE) return undefined;
  const attributes = new Attributes(body, RTMSG_SIZE);
  // RTA_VIA is a gateway of the other family, behind its family's number.
  return ipAddress(attributes.bytes(Rta.gateway) ?? attributes.bytes(Rta.via)?.subarray(2));
}

/** The body of RTM_GETROUTE: the way to `address` by interface number `index`. */
export function encodeRouteRequest(index: number, address: IPAddress): Uint8Array {
  const bytes = address.toBytes();
  const head = new Uint8Array(RTMSG_SIZE);
  head[Rtmsg.family] = familyOf(address);
  head[Rtmsg.destinationLength] = bytes.length * 8;
  const outgoing = new Uint8Array(4);
  new DataView(outgoing.buffer).setUint32(0, index, true);
  return Buffer.concat([head, encodeAttribute(Rta.destination, bytes), encodeAttribute(Rta.outgoing, outgoing)]);
}

function familyOf(address: IPAddress): number {
  return address.family === 'ipv4' ? AddressFamily.AF_INET : AddressFamily.AF_INET6;
}

function ipAddress(bytes: Uint8Array | undefined): IPAddress | undefined {
  if (bytes?.length === 4) return IPv4Address.fromBytes(bytes);
  return bytes?.length === 16 ? IPv6Address.fromBytes(bytes) : undefined;
}
