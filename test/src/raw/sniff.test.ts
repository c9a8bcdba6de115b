/** sniffBatches on real raw sockets: what a slow consumer costs, and the end. */
import { describe, expect, it } from 'vitest';
import { silentLogger } from '../../../src/log/events.js';
import { type SniffState, sniffBatches } from '../../../src/raw/sniff.js';
import { inetEndpoint } from '../../../src/sockaddr/endpoint.js';
import { parseIP } from '../../../src/sockaddr/ip.js';
import { nativeBackend } from '../../../src/socket/native/backend.js';
import { isRoot } from '../../hosts/machine.js';

const ROOT = 'raw sockets need root';
/** For experiments, RFC 3692, and told from others' by its first byte. */
const PROTOCOL = 254;

const backend = await nativeBackend();
const options = { backend, logger: silentLogger };
const ours = (packet: Uint8Array) => packet[20] === 0xa5;

async function send(count: number, size: number): Promise<void> {
  const socket = await backend.raw({ family: 'ipv4', protocol: PROTOCOL, logger: silentLogger, settings: [] });
  const to = inetEndpoint(parseIP('127.0.0.1'), 0);
  const bytes = new Uint8Array(size).fill(0xa5);
  for (let sent = 0; sent < count; sent++) {
    await socket.send([{ bytes, to }]);
    // The receiver has its turn.
    if (sent % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await socket.close();
}

describe('sniffing', () => {
  it('counts what a slow consumer costs, in memory that is bounded', async (ctx) => {
    if (!isRoot) return ctx.skip(ROOT);
    const COUNT = 3000;
    const SIZE = 60_000;
    const stop = new AbortController();
    let state: SniffState | undefined;
    let sending: Promise<void> | undefined;
    let taken = 0;
    const listening = (opened: SniffState) => {
      state = opened;
      sending = send(COUNT, SIZE);
    };
    const sniffer = sniffBatches([{ family: 'ipv4', protocol: PROTOCOL }], {
      ...options,
      receiveBuffer: 1 << 28,
      onListening: listening,
      signal: stop.signal,
    });
    for await (const batch of sniffer) {
      const first = taken === 0;
      taken += batch.filter(({ packet }) => ours(packet)).length;
      if (!first) continue;
      await sending;
      stop.abort();
    }
    const drops = state?.drops();
    expect(drops?.queue).toBeGreaterThan(0);
    expect(taken + (drops?.queue ?? 0) + (drops?.socket ?? 0)).toBe(COUNT);
    // Two batches, the one in hand and the one that waited.
    expect(taken * SIZE).toBeLessThan(3 * (64 << 20));
    return undefined;
  });

  it('delivers what the socket holds at the end, and lets in nothing more', async (ctx) => {
    if (!isRoot) return ctx.skip(ROOT);
    const stop = new AbortController();
    const seen: number[] = [];
    const sniffer = sniffBatches([{ family: 'ipv4', protocol: PROTOCOL }], {
      ...options,
      snapshotLength: 30,
      signal: stop.signal,
      onListening: () => undefined,
    });
    const first = sniffer.next();
    await send(1, 8);
    const { value } = await first;
    for (const { packet } of value ?? []) if (ours(packet)) seen.push(packet.length);
    // Without a turn of the event loop in between, so that nobody reads the socket.
    const before = backend.raw({ family: 'ipv4', protocol: PROTOCOL, logger: silentLogger, settings: [] });
    const socket = await before;
    const to = inetEndpoint(parseIP('127.0.0.1'), 0);
    const packet = (size: number) => ({ bytes: new Uint8Array(size).fill(0xa5), to });
    const sent = socket.send([packet(10), packet(20)]);
    stop.abort();
    const late = socket.send([packet(40)]);
    await Promise.all([sent, late]);
    await socket.close();
    for await (const batch of sniffer)
      for (const one of batch) if (ours(one.packet)) seen.push(one.length, one.packet.length);
    expect(seen).toEqual([28, 30, 30, 40, 30]);
    return undefined;
  });
});
