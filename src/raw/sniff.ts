/**
 * What a SOCK_RAW socket receives (raw(7)): a copy of every incoming packet of an IP protocol, without a link header.
 */
import type { Logger } from '../log/events.js';
import { type OptionSetting, setting } from '../options/settings.js';
import type { IPFamily } from '../sockaddr/ip.js';
import type { Backend, MessageSocket, ReceivedMessage } from '../socket/port.js';
import { RecordQueue } from './record-queue.js';

/** A protocol to listen to, in one family. */
export interface SniffProtocol {
  readonly family: IPFamily;
  /** IP protocol number. */
  readonly protocol: number;
  /** Settings of its socket, beside those of all. */
  readonly settings?: readonly OptionSetting[] | undefined;
}

export interface SniffOptions {
  readonly backend: Backend;
  readonly logger: Logger;
  readonly settings?: readonly OptionSetting[];
  /** One interface only. */
  readonly interface?: string | undefined;
  /** Called when the sockets are open: from then on nothing is missed. */
  readonly onListening?: (drops: () => SniffDrops) => void;
  readonly signal?: AbortSignal | undefined;
}

/** Packets that were not delivered so far. */
export interface SniffDrops {
  /** For want of room in a socket; null where the backend can't tell. */
  readonly socket: number | null;
  /** Because whoever iterates was too slow. */
  readonly queue: number;
}

export interface SniffedPacket {
  readonly message: ReceivedMessage;
  readonly family: IPFamily;
  readonly protocol: number;
  /**
   * The packet from its IP header on. IPv6 raw sockets deliver the payload alone (RFC 3542 section 3): there the
   * header is rebuilt from what the kernel tells, and only that: addresses, hop limit, next header and length.
   */
  readonly packet: Uint8Array;
}

/**
 * Yields packets of all `protocols` in the order of their arrival, until the signal fires.
 *
 * @throws SocketError EPERM without CAP_NET_RAW, ENODEV for an unknown interface
 */
export async function* sniff(
  protocols: readonly SniffProtocol[],
  options: SniffOptions,
): AsyncGenerator<SniffedPacket> {
  const queue = new RecordQueue<SniffedPacket>();
  const sockets: MessageSocket[] = [];
  const device = options.interface === undefined ? [] : [setting('SO_BINDTODEVICE', options.interface)];
  const end = () => queue.end();
  try {
    for (const { family, protocol, settings = [] } of protocols) {
      const socket = await options.backend.raw({
        family,
        protocol,
        logger: options.logger,
        settings: [...device, ...(options.settings ?? []), ...settings],
      });
      sockets.push(socket);
      socket.receive({
        messages: (batch) => {
          for (const message of batch) queue.push(sniffed(message, family, protocol));
        },
        failure: ({ error }) => queue.fail(error),
      });
    }
    options.onListening?.(() => ({ socket: totalDropped(sockets), queue: queue.dropped }));
    if (options.signal?.aborted === true) end();
    else options.signal?.addEventListener('abort', end, { once: true });
    yield* queue;
  } finally {
    options.signal?.removeEventListener('abort', end);
    for (const socket of sockets) await socket.close();
  }
}

/** Null as soon as one socket can't tell. */
function totalDropped(sockets: readonly MessageSocket[]): number | null {
  let total: number | null = 0;
  for (const { dropped } of sockets) total = total === null || dropped === null ? null : total + dropped;
  return total;
}

function sniffed(message: ReceivedMessage, family: IPFamily, protocol: number): SniffedPacket {
  const packet = family === 'ipv4' ? Uint8Array.from(message.bytes) : withIPv6Header(message, protocol);
  return { message: { ...message, bytes: packet }, family, protocol, packet };
}

/** RFC 8200 section 3: version 6, payload length, next header, hop limit, source, destination. */
function withIPv6Header(message: ReceivedMessage, protocol: number): Uint8Array {
  const packet = new Uint8Array(40 + message.bytes.length);
  packet[0] = 0x60;
  new DataView(packet.buffer).setUint16(4, message.length);
  packet[6] = protocol;
  packet[7] = message.hopLimit ?? 0;
  if (message.from?.family === 'ipv6') packet.set(message.from.address.toBytes(), 8);
  if (message.destination?.family === 'ipv6') packet.set(message.destination.toBytes(), 24);
  packet.set(message.bytes, 40);
  return packet;
}
