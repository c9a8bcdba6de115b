/**
 * What SOCK_RAW sockets receive (raw(7)): a copy of every incoming packet of an IP protocol, without a link header.
 *
 * Every packet that the kernel hands to a socket is delivered or counted as dropped: by the kernel for want of room in
 * the socket, or here for want of a consumer. At the end nothing more is let in, and what the sockets hold is delivered.
 */

import { UsageError } from '../errors.js';
import type { Logger } from '../log/events.js';
import type { Timestamp } from '../measure/clock.js';
import { type OptionSetting, setting } from '../options/settings.js';
import type { IPFamily } from '../sockaddr/ip.js';
import { type SocketDrops, sumKnown } from '../socket/drops.js';
import type { Backend, RawSocket, ReceivedMessage } from '../socket/port.js';
import { RecordQueue } from './record-queue.js';

/** A socket to listen on: a protocol, in one family. */
export interface SniffProtocol {
  readonly family: IPFamily;
  /** IP protocol number, from 1 to 255. */
  readonly protocol: number;
  /** One interface only. */
  readonly interface?: string | undefined;
  /** Of ICMP and ICMPv6: the types to be received. */
  readonly icmpTypes?: readonly number[] | undefined;
  /**
   * Packets with this router alert that are to be forwarded (RFC 2711): of all protocols, on a socket of IPv6 and
   * IPPROTO_RAW. They are not forwarded then. Those of IPv4 are asked for with the setting IP_ROUTER_ALERT.
   */
  readonly routerAlert?: number | undefined;
  /** Settings of its socket, beside those of all. */
  readonly settings?: readonly OptionSetting[] | undefined;
  /** Which packets are delivered, where the kernel can't be told; it is shown them whole. */
  readonly accepts?: ((packet: Uint8Array) => boolean) | undefined;
}

export interface SniffOptions {
  readonly backend: Backend;
  readonly logger: Logger;
  readonly settings?: readonly OptionSetting[];
  /** Bytes kept of each packet; all of them where left out. */
  readonly snapshotLength?: number | undefined;
  /** Bytes of receive buffer of each socket, if they can be had. */
  readonly receiveBuffer?: number | undefined;
  /** Called when the sockets are open: from then on nothing is missed. */
  readonly onListening?: (state: SniffState) => void;
  readonly signal?: AbortSignal | undefined;
}

/** What there is to know of the sockets while they are open and afterwards. */
export interface SniffState {
  drops(): SniffDrops;
  /** Of each socket, in bytes, the kernel's overhead included (SO_RCVBUF of socket(7)); the least of them. */
  readonly receiveBuffer: number;
}

/** Packets that were not delivered so far. */
export interface SniffDrops extends SocketDrops {
  /** Because whoever iterates was too slow. */
  readonly queue: number;
}

export interface SniffedPacket {
  readonly family: IPFamily;
  readonly protocol: number;
  readonly timestamp: Timestamp;
  /** Who read the clock: the kernel at reception, or this process when it got the packet. */
  readonly timestampSource: 'kernel' | 'user';
  /** The interface that it came in by; null where the backend can't tell. */
  readonly interfaceIndex: number | null;
  /** The name of the interface that its socket was bound to. */
  readonly interface: string | undefined;
  /** Length of the packet, its IP header included; `packet` has less of it where it was cut. */
  readonly length: number;
  /**
   * The packet from its IP header on. IPv6 raw sockets deliver the payload alone (RFC 3542 section 3): there the
   * header is rebuilt from what the kernel tells, and only that: addresses, traffic class, hop limit, next header and
   * length. The flow label and extension headers are lost.
   */
  readonly packet: Uint8Array;
}

/** What packets that wait for a consumer may take of memory; as much again may be in the consumer's hands. */
const QUEUE_BYTES = 64 << 20;
/** What an object costs beside the bytes of its packet, roughly. */
const PACKET_OVERHEAD = 256;

const IPV6_HEADER_LENGTH = 40;

/** Packets of one socket, one by one: see {@link sniffBatches}. */
export async function* sniff(
  protocols: readonly SniffProtocol[],
  options: SniffOptions,
): AsyncGenerator<SniffedPacket> {
  for await (const batch of sniffBatches(protocols, options)) yield* batch;
}

/**
 * Yields packets of all `protocols` in the order of their arrival, all that there are at a time, until the signal fires;
 * then what the sockets still hold.
 *
 * @throws SocketError EPERM without CAP_NET_RAW, ENODEV for an unknown interface
 * @throws UsageError BACKEND_LIMIT for IPv6 on the portable backend, which does not tell what is in the header
 */
export async function* sniffBatches(
  protocols: readonly SniffProtocol[],
  options: SniffOptions,
): AsyncGenerator<readonly SniffedPacket[]> {
  const { signal } = options;
  const queue = new RecordQueue<SniffedPacket>({
    bytes: QUEUE_BYTES,
    sizeOf: ({ packet }) => packet.length + PACKET_OVERHEAD,
  });
  const sockets: RawSocket[] = [];
  let ending = false;
  /** The end: what the sockets still hold, as far as there is room for it. */
  const drain = () => {
    if (!ending) {
      ending = true;
      // Reception ends on all of them now, whatever room there is for a first part.
      for (const socket of sockets) socket.drain();
    }
    for (const socket of sockets) {
      while (!queue.full) if (!socket.drain()) break;
      if (queue.full) return;
    }
    queue.end();
  };
  try {
    for (const wanted of protocols) {
      const socket = await openSocket(wanted, options);
      sockets.push(socket);
      socket.receive({
        messages: (batch) => {
          for (const packet of sniffed(batch, wanted, options.snapshotLength)) {
            // What is drained has been looked for room for.
            if (ending) queue.add(packet);
            else queue.push(packet);
          }
        },
        failure: ({ error }) => queue.fail(error),
      });
    }
    options.onListening?.({
      drops: () => totalDrops(protocols, sockets, queue.dropped),
      receiveBuffer: Math.min(...sockets.map(({ receiveBuffer }) => receiveBuffer)),
    });
    if (signal?.aborted === true) drain();
    else signal?.addEventListener('abort', drain, { once: true });
    for await (const batch of queue.batches()) {
      yield sockets.length > 1 ? inOrder(batch) : batch;
      if (ending) drain();
    }
  } finally {
    signal?.removeEventListener('abort', drain);
    await Promise.allSettled(sockets.map((socket) => socket.close()));
  }
}

function openSocket(wanted: SniffProtocol, options: SniffOptions): Promise<RawSocket> {
  const { family, protocol, icmpTypes, routerAlert, settings = [], accepts } = wanted;
  const { backend, logger, snapshotLength, receiveBuffer } = options;
  const complete = isComplete(wanted);
  if (!complete && backend.name === 'portable') {
    throw new UsageError(
      'portable backend: IPv6 packets come without their header, and raw-socket does not tell what was in it',
      'use --backend native, or -4',
      'BACKEND_LIMIT',
    );
  }
  const own: OptionSetting[] = [];
  if (wanted.interface !== undefined) own.push(setting('SO_BINDTODEVICE', wanted.interface));
  if (routerAlert !== undefined) own.push(setting('IPV6_ROUTER_ALERT', routerAlert));
  // Whoever is asked about a packet is shown all of it.
  const kept = accepts === undefined ? snapshotLength : undefined;
  const messageSize = kept === undefined ? undefined : Math.max(1, kept - (complete ? 0 : IPV6_HEADER_LENGTH));
  return backend.raw({
    family,
    protocol,
    logger,
    icmpTypes,
    receiveBuffer,
    messageSize,
    settings: [...own, ...(options.settings ?? []), ...settings],
  });
}

/** Whether messages begin with the IP header: IPv4's do, and IPv6's on their way through this machine. */
function isComplete({ family, routerAlert }: SniffProtocol): boolean {
  return family === 'ipv4' || routerAlert !== undefined;
}

/** Each is null as soon as one socket can't tell. */
function totalDrops(protocols: readonly SniffProtocol[], sockets: readonly RawSocket[], queue: number): SniffDrops {
  const socketAtMost = sumKnown(sockets.map(({ droppedAtMost }) => droppedAtMost));
  const socket = sumKnown(
    sockets.map(({ dropped }, i) => (protocols[i]?.accepts !== undefined && dropped !== 0 ? null : dropped)),
  );
  return { socket, socketAtMost, queue };
}

/** The packets of a batch of messages, whose memory is the kernel's again afterwards: copies, in one piece of memory. */
function sniffed(
  batch: readonly ReceivedMessage[],
  wanted: SniffProtocol,
  snapshotLength = Number.POSITIVE_INFINITY,
): SniffedPacket[] {
  const { family, protocol, accepts } = wanted;
  const header = isComplete(wanted) ? 0 : IPV6_HEADER_LENGTH;
  let size = 0;
  for (const { bytes } of batch) size += header + bytes.length;
  const memory = new Uint8Array(size);
  const packets: SniffedPacket[] = [];
  let at = 0;
  for (const message of batch) {
    const { bytes, length, timestamp, timestampSource, interfaceIndex } = message;
    const end = at + header + bytes.length;
    memory.set(bytes, at + header);
    let packet = memory.subarray(at, end);
    at = end;
    if (header > 0) writeIPv6Header(packet, message, protocol);
    // A socket for router alerts is one of IPPROTO_RAW, which is sent packets of that protocol too, without a header.
    if (wanted.routerAlert !== undefined && !isIPv6(packet)) continue;
    if (accepts !== undefined && !accepts(packet)) continue;
    if (packet.length > snapshotLength) packet = packet.slice(0, snapshotLength);
    packets.push({
      family,
      protocol,
      timestamp,
      timestampSource,
      interfaceIndex,
      interface: wanted.interface,
      length: header + length,
      packet,
    });
  }
  return packets;
}

/** RFC 8200 section 3: version 6, traffic class, payload length, next header, hop limit, source, destination. */
function writeIPv6Header(packet: Uint8Array, message: ReceivedMessage, protocol: number): void {
  const trafficClass = message.trafficClass ?? 0;
  packet[0] = 0x60 | (trafficClass >> 4);
  packet[1] = (trafficClass & 15) << 4;
  packet[4] = message.length >> 8;
  packet[5] = message.length & 255;
  packet[6] = protocol;
  packet[7] = message.hopLimit ?? 0;
  if (message.from?.family === 'ipv6') packet.set(message.from.address.toBytes(), 8);
  if (message.destination?.family === 'ipv6') packet.set(message.destination.toBytes(), 24);
}

function isIPv6(packet: Uint8Array): boolean {
  const length = ((packet[4] ?? 0) << 8) | (packet[5] ?? 0);
  return (packet[0] ?? 0) >> 4 === 6 && length + IPV6_HEADER_LENGTH === packet.length;
}

/** By their timestamps, which several sockets bring in runs of each. */
function inOrder(batch: SniffedPacket[]): SniffedPacket[] {
  return batch.sort(({ timestamp: a }, { timestamp: b }) => a.seconds - b.seconds || a.nanoseconds - b.nanoseconds);
}
