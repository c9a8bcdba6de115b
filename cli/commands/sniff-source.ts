/** Raw sockets as a source of the capture pipeline: packets from their IP header on, link type RAW. */
import { ANY_INTERFACE, type CapturedPacket, type CaptureInterface, type CaptureSource } from '../../capture/index.js';
import {
  type SniffDrops,
  type SniffedPacket,
  type SniffOptions,
  type SniffProtocol,
  type SniffState,
  sniffBatches,
} from '../../src/raw/sniff.js';
import { interfaceName } from '../../src/sockaddr/interfaces.js';
import { LinkType } from '../../src/wire/link-types.js';

/** What all packets have in common: they begin with an IPv4 or IPv6 header. */
export const SNIFFED = { id: 0, name: null, linkType: LinkType.RAW, snapshotLength: 0 } as const;

export interface SniffSource extends CaptureSource {
  /**
   * Opens the sockets: packets are received from then on.
   *
   * @throws SocketError, UsageError BACKEND_LIMIT
   */
  open(): Promise<void>;
  /** What is known of the drops so far. */
  drops(): SniffDrops;
}

/** Opens nothing yet. */
export function createSniffSource(
  protocols: readonly SniffProtocol[],
  options: Omit<SniffOptions, 'signal'>,
): SniffSource {
  const interfaces: CaptureInterface[] = [];
  const known = new Map<string | null, CaptureInterface>();
  const names = new Map<number, string>();
  const describe = (name: string | null): CaptureInterface => {
    let found = known.get(name);
    if (found === undefined) {
      found = { ...SNIFFED, id: interfaces.length, name, snapshotLength: options.snapshotLength ?? 0 };
      interfaces.push(found);
      known.set(name, found);
    }
    return found;
  };
  const interfaceOf = ({ interfaceIndex: index, interface: bound }: SniffedPacket): CaptureInterface => {
    if (index === null || index === 0) return describe(bound ?? null);
    let name = names.get(index);
    if (name === undefined) {
      name = interfaceName(index) ?? String(index);
      names.set(index, name);
    }
    return describe(name);
  };
  // What begins a file: `any`, unless it is one interface alone.
  const bound = new Set(protocols.map((one) => one.interface ?? ANY_INTERFACE));
  describe(bound.size === 1 ? ([...bound][0] ?? null) : ANY_INTERFACE);
  let delivered = 0;
  let state: SniffState | undefined;
  const stop = new AbortController();
  const drops = () => state?.drops() ?? { socket: null, socketAtMost: null, queue: 0 };

  let sniffed: ReturnType<typeof sniffBatches> | undefined;
  /** The first batch, which opening the sockets has begun to wait for. */
  let first: ReturnType<ReturnType<typeof sniffBatches>['next']> | undefined;

  async function open(): Promise<void> {
    const opened = new Promise<void>((resolve, reject) => {
      sniffed = sniffBatches(protocols, {
        ...options,
        signal: stop.signal,
        onListening: (now) => {
          state = now;
          options.onListening?.(now);
          resolve();
        },
      });
      first = sniffed.next();
      first.catch(reject);
    });
    await opened;
  }

  async function* packets(signal?: AbortSignal): AsyncGenerator<readonly CapturedPacket[]> {
    if (sniffed === undefined) await open();
    const end = () => stop.abort();
    if (signal?.aborted === true) end();
    signal?.addEventListener('abort', end, { once: true });
    try {
      for (let next = await first; next?.done === false; next = await sniffed?.next()) yield captured(next.value);
    } finally {
      signal?.removeEventListener('abort', end);
      await sniffed?.return(undefined);
    }
  }

  function captured(batch: readonly SniffedPacket[]): CapturedPacket[] {
    const before = delivered + 1;
    delivered += batch.length;
    return batch.map((one, i) => ({
      number: before + i,
      timestamp: one.timestamp,
      interface: interfaceOf(one),
      // A raw socket is handed what arrives, never what leaves (raw(7)).
      direction: 'in',
      originalLength: one.length,
      bytes: one.packet,
    }));
  }

  return {
    interfaces,
    timestampSource: options.backend.name === 'native' ? 'kernel' : 'user',
    open,
    packets,
    drops,
    statistics: () => {
      const { socket, queue } = drops();
      return {
        received: socket === null ? null : delivered + socket + queue,
        droppedKernel: socket,
        droppedInterface: null,
        droppedApplication: queue,
      };
    },
    close: async () => stop.abort(),
    [Symbol.asyncDispose]: async () => stop.abort(),
  };
}
