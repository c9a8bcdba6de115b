/** Any bytes under any link type: no exception, an end, and a line without control characters. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dissect, dissectProtocol } from '../../../src/wire/dissect.js';
import type { Dissection } from '../../../src/wire/layer.js';
import { LinkType } from '../../../src/wire/link-types.js';
import { DECODERS } from '../../../src/wire/registry.js';
import { summarize } from '../../../src/wire/summary.js';
import { ethernetSamples, linkSamples, networkSamples, rawSamples } from './samples.js';

const linkTypes = [...DECODERS.linkType.keys(), LinkType.IEEE802_11, 40_000];
const seeds: [number, Uint8Array][] = [
  ...ethernetSamples.map(({ bytes }): [number, Uint8Array] => [LinkType.ETHERNET, bytes]),
  ...[...rawSamples, ...networkSamples].map(({ bytes }): [number, Uint8Array] => [LinkType.RAW, bytes]),
  ...[...linkSamples].map(([linkType, { bytes }]): [number, Uint8Array] => [linkType, bytes]),
];

function check(found: Dissection, bytes: Uint8Array): void {
  const { layers, malformed, cut } = found;
  expect(layers.length).toBeLessThanOrEqual(64);
  let payload = 0;
  for (const layer of layers) {
    for (const [field, value] of Object.entries(layer)) {
      if (typeof value !== 'number') continue;
      // NTP has logarithms of times, which are less than a second.
      const least = layer.protocol === 'ntp' ? -0x8000 : 0;
      // NaN is no more at least 0 than a negative number is.
      if (!(value >= least)) throw new Error(`${layer.protocol}.${field} is ${value}`);
    }
    if (layer.protocol === 'payload') payload += layer.data.length;
  }
  expect(payload).toBeLessThanOrEqual(bytes.length);
  for (const fault of [malformed, cut]) {
    if (fault === undefined) continue;
    expect(fault.offset).toBeLessThanOrEqual(bytes.length);
    if (fault.claimedBy !== 'version') expect(fault.need).toBeGreaterThan(fault.have);
  }
  for (const link of [false, true]) expect(summarize(found, bytes.length, { link })).toMatch(/^[\x20-\x7e]+$/);
}

describe('any bytes', () => {
  it('at random', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...linkTypes),
        fc.uint8Array({ maxLength: 200 }),
        fc.nat(300),
        (type, bytes, more) => {
          check(dissect(bytes, type), bytes);
          check(dissect(bytes, type, { originalLength: bytes.length + more }), bytes);
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('as the payload of any IP protocol', () => {
    const protocols = [...DECODERS.ipProtocol.keys(), 50, 59];
    fc.assert(
      fc.property(fc.constantFrom(...protocols), fc.uint8Array({ maxLength: 120 }), (protocol, bytes) => {
        check(dissectProtocol(bytes, protocol), bytes);
      }),
      { numRuns: 2000 },
    );
  });

  it('as what UDP and TCP carry, on the port of any service', () => {
    const ports = [53, 67, 123, 443, 547, 4789, 5353, 6081, 80, 9];
    fc.assert(
      fc.property(fc.constantFrom(...ports), fc.boolean(), fc.uint8Array({ maxLength: 160 }), (port, tcp, data) => {
        const head = tcp ? [0x50, 0x10, 0, 0, 0, 0, 0, 0] : [];
        const numbers = tcp ? Array(8).fill(0) : [(data.length + 8) >> 8, (data.length + 8) & 255, 0, 0];
        const bytes = Uint8Array.from([0x99, 0x99, port >> 8, port & 255, ...numbers, ...head, ...data]);
        check(dissectProtocol(bytes, tcp ? 6 : 17), bytes);
      }),
      { numRuns: 3000 },
    );
  });

  it('that were a packet once', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...seeds),
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 6 }),
        fc.nat(),
        fc.boolean(),
        ([linkType, seed], changes, at, cut) => {
          const bytes = seed.slice(0, seed.length - (cut ? at % seed.length : 0));
          for (const [index, value] of changes) bytes[index % bytes.length] = value;
          check(dissect(bytes, linkType, { originalLength: seed.length }), bytes);
          check(dissect(bytes, linkType), bytes);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('reads nothing outside of the packet, whatever lies around it', () => {
    for (const [linkType, seed] of seeds) {
      const memory = new Uint8Array(seed.length + 64).fill(0xff);
      memory.set(seed, 31);
      expect(dissect(memory.subarray(31, 31 + seed.length), linkType)).toEqual(dissect(seed, linkType));
    }
  });
});
