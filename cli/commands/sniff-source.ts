/** Raw sockets as a source of the capture pipeline: packets from their IP header on, link type RAW. */
import type { CapturedPacket, CaptureInterface, CaptureSource } from '../../capture/index.js';
import { type SniffDrops, type SniffOptions, type SniffProtocol, sniff } from '../../src/raw/sniff.js';
import { interfaceName } from '../../src/sockaddr/interfaces.js';
import { LinkType } from '../../src/wire/link-types.js';

/** What all packets have in common: they begin with an IPv4 or IPv6 header. */
export const SNIFFED = { id: 0, name: null, linkType: LinkType.RAW, snapshotLength: 0 } as const;

/**
 * Opens nothing yet: the sockets are opened when the packets are asked for.
 *
 * @param onListening called when they are open
 */
export function createSniffSource(
  protocols: readonly SniffProtocol[],
  options: Omit<SniffOptions, 'onListening' | 'signal'> & { readonly onListening?: () => void },
): CaptureSource {
  const interfaces: CaptureInterface[] = [];
  const byIndex = new Map<number, CaptureInterface>();
  const describe = (index: number): CaptureInterface => {
    let known = byIndex.get(index);
    if (known === undefined) {
      const name = index === 0 ? (options.interface ?? null) : (interfaceName(index) ?? String(index));
      known = { ...SNIFFED, id: interfaces.length, name };
      interfaces.push(known);
      byIndex.set(index, known);
    }
    return known;
  };
  let received = 0;
  let drops: () => SniffDrops = () => ({ socket: null, queue: 0 });
  const stop = new AbortController();

  async function* packets(signal?: AbortSignal): AsyncGenerator<readonly CapturedPacket[]> {
    const sniffed = sniff(protocols, {
      ...options,
      signal: AbortSignal.any([stop.signal, ...(signal === undefined ? [] : [signal])]),
      onListening: (count) => {
        drops = count;
        options.onListening?.();
      },
    });
    for await (const { message, packet } of sniffed) {
      received++;
      yield [
        {
          number: received,
          timestamp: message.timestamp,
          interface: describe(message.interfaceIndex ?? 0),
          // A raw socket is handed what arrives, never what leaves (raw(7)).
          direction: 'in',
          originalLength: packet.length + (message.length - message.bytes.length),
          bytes: packet,
        },
      ];
    }
  }

  return {
    interfaces,
    timestampSource: options.backend.name === 'native' ? 'kernel' : 'user',
    packets,
    statistics: () => {
      const { socket, queue } = drops();
      return { received, droppedKernel: socket, droppedInterface: null, droppedApplication: queue };
    },
    close: async () => stop.abort(),
    [Symbol.asyncDispose]: async () => stop.abort(),
  };
}
