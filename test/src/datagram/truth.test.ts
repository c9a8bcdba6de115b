/** What udp recv --probe says against the ledger of a relay that drops, repeats, reorders and delays, by 100 seeds. */
import { describe, expect, it } from 'vitest';
import { receiveDatagrams } from '../../../src/datagram/receive.js';
import { sendDatagrams } from '../../../src/datagram/send.js';
import { silentLogger } from '../../../src/log/events.js';
import { LOSS_WINDOW } from '../../../src/measure/loss.js';
import { type Endpoint, inetEndpoint } from '../../../src/sockaddr/endpoint.js';
import { parseIP } from '../../../src/sockaddr/ip.js';
import { selectBackend } from '../../../src/socket/open.js';
import { createRelay } from '../../hosts/relay.js';

const COUNT = 2000;
/** Of every other seed: so small that what the relay delays for long comes too late to be told from a repetition. */
const SHORT_WINDOW = 64;
const at = (port: number) => inetEndpoint(parseIP('127.0.0.1'), port);
const portOf = (endpoint: Endpoint) => (endpoint.family === 'unix' ? 0 : endpoint.port);
const isEnd = (bytes: Buffer) => ((bytes[5] as number) & 1) === 1;

/** What the numbers say, one by one, told apart by the rules of src/measure/loss.ts written down anew. */
class LedgerOfArrivals {
  readonly #window: number;
  readonly #seen = new Set<number>();
  readonly #order: number[] = [];
  #highest = -1;
  received = 0;
  duplicated = 0;
  reordered = 0;
  late = 0;
  extent = 0;

  constructor(window: number) {
    this.#window = window;
  }

  add(bytes: Buffer): void {
    if (isEnd(bytes)) return;
    const sequence = Number(bytes.readBigUInt64BE(16));
    if (sequence <= this.#highest - this.#window) {
      this.late++;
      return;
    }
    if (this.#seen.has(sequence)) {
      this.duplicated++;
      return;
    }
    this.#seen.add(sequence);
    this.received++;
    if (sequence < this.#highest) {
      this.reordered++;
      const overtaken = this.#order.findIndex((other) => other > sequence);
      this.extent = Math.max(this.extent, this.#order.length - overtaken);
    }
    this.#order.push(sequence);
    this.#highest = Math.max(this.#highest, sequence);
  }
}

async function measure(backendName: 'native' | 'portable', seed: number, perSecond: number, window: number) {
  const backend = await selectBackend(backendName, silentLogger);
  const logger = silentLogger;
  let listening: (local: Endpoint) => void = () => undefined;
  const local = new Promise<Endpoint>((resolve) => {
    listening = resolve;
  });
  const receiving = receiveDatagrams(at(0), {
    backend,
    logger,
    probe: true,
    once: true,
    window,
    onListening: listening,
  });
  const impairment = { drop: 0.05, repeat: 0.05, reorder: 0.1, delay: 0.02, spare: isEnd };
  const relay = await createRelay(portOf(await local), seed, impairment, {});
  const ledger = new LedgerOfArrivals(window);
  relay.onForward = (bytes) => ledger.add(bytes);
  // A run of them, as the command line makes it.
  const payloads = [{ bytes: new Uint8Array(64 * COUNT), size: 64, count: COUNT }];
  const sent = await sendDatagrams(at(relay.port), { backend, logger, payloads, perSecond, probe: true });
  const received = await receiving;
  await relay.close();
  const [report] = received.probes;
  return { sent, received, report, ledger, relay };
}

describe.each([
  ['native', 100, 40_000],
  ['portable', 10, 20_000],
] as const)('on the %s backend', (backend, seeds, perSecond) => {
  it(`the report is the ledger's, ${seeds} seeds, at both ends`, async () => {
    const sum = { late: 0, lost: 0, duplicated: 0, reordered: 0 };
    for (let seed = 1; seed <= seeds; seed++) {
      const window = seed % 2 === 0 ? SHORT_WINDOW : LOSS_WINDOW;
      const { sent, received, report, ledger, relay } = await measure(backend, seed, perSecond, window);
      const { arrived, dropped, repeated } = relay.there;
      expect(arrived, `seed ${seed}: the relay's own socket lost some`).toBe(COUNT);
      const { duplicated, reordered, late } = ledger;
      expect(report, `seed ${seed}`).toMatchObject({ received: ledger.received, duplicated, reordered, late });
      expect(report?.reorderExtent.max, `seed ${seed}`).toBe(ledger.extent);
      if (window === LOSS_WINDOW) expect(report).toMatchObject({ lost: dropped, duplicated: repeated, late: 0 });
      // One that comes late may be a repetition, which nobody can tell: it is neither lost nor received.
      else expect(report?.lost, `seed ${seed}`).toBe(Math.max(0, COUNT - ledger.received - late));
      expect(received.received).toBe(arrived - dropped + repeated);
      expect(sent.report).toEqual({ ...report, sender: undefined });
      for (const key of ['late', 'lost', 'duplicated', 'reordered'] as const) sum[key] += report?.[key] ?? 0;
    }
    expect(Math.min(sum.late, sum.lost, sum.duplicated, sum.reordered)).toBeGreaterThan(0);
  }, 120_000);
});
