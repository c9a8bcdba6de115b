/** Records are packets again, to the byte; what can't be is an error, and never another packet. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packetRecord } from '../../../../capture/record.js';
import { createRenderer } from '../../../../capture/sinks/render.js';
import { UsageError } from '../../../../src/errors.js';
import { packetFromCapture, packetFromRecord } from '../../../../src/raw/send/from-record.js';
import { dissect } from '../../../../src/wire/dissect.js';
import { LinkType } from '../../../../src/wire/link-types.js';
import { packet as packetOf } from '../../../capture/helpers.js';
import { ethernetSamples, linkSamples, networkSamples, rawSamples } from '../../wire/samples.js';
import { buildAll, EXPRESSIONS, LINKS } from './building.js';

type Record = { [name: string]: unknown };

const samples: (readonly [string, number, Uint8Array])[] = [
  ...ethernetSamples.map(({ name, bytes }) => [name, LinkType.ETHERNET, bytes] as const),
  ...[...rawSamples, ...networkSamples].map(({ name, bytes }) => [name, LinkType.RAW, bytes] as const),
  ...EXPRESSIONS.flatMap((text) => buildAll(text).map(({ link, bytes }) => [text, LINKS[link], bytes] as const)),
];

/** What `capture read --json` prints of a packet. */
function recordOf(bytes: Uint8Array, linkType: number, originalLength = bytes.length): Record {
  const from = { id: 0, name: 'eth0', linkType, snapshotLength: 0 };
  const timestamp = { seconds: 1_700_000_000, nanoseconds: 123_456_789 };
  const one = packetOf(3, { interface: from, bytes, originalLength, timestamp });
  return JSON.parse(Buffer.from(createRenderer({ kind: 'ndjson' }).packets([one])).toString());
}

const again = (record: unknown): string | undefined => {
  const found = packetFromRecord(record, 1);
  return found === undefined ? undefined : Buffer.from(found.packet.bytes).toString('hex');
};
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

describe('a record', () => {
  it.each(samples)('is its packet: %s', (_, linkType, bytes) => {
    expect(again(recordOf(bytes, linkType))).toBe(hex(bytes));
  });

  it('is its packet, whatever has become of it', () => {
    const changes = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 5 });
    fc.assert(
      fc.property(
        fc.constantFrom(...samples),
        changes,
        fc.uint8Array({ maxLength: 20 }),
        ([, linkType, base], list, more) => {
          const bytes = Uint8Array.from([...base, ...more]);
          for (const [at, value] of list) bytes[at % bytes.length] = value;
          // What has become no IP has no link to be sent on.
          const sendable = packetFromCapture(bytes, linkType) !== undefined;
          if (sendable) expect(again(recordOf(bytes, linkType))).toBe(hex(bytes));
          else expect(() => again(recordOf(bytes, linkType))).toThrow(/can't be sent/);
        },
      ),
      { numRuns: 1500 },
    );
  });

  it('keeps its time, its interface and its number', () => {
    const [[, linkType, bytes]] = samples as [(typeof samples)[0]];
    const found = packetFromRecord(recordOf(bytes, linkType), 1);
    expect(found).toMatchObject({
      time: { seconds: 1_700_000_000, nanoseconds: 123_456_789 },
      interface: 'eth0',
      number: 3,
      packet: { link: 'ethernet' },
    });
  });

  it('of another type is none', () => {
    expect(packetFromRecord({ type: 'capture.summary', captured: 3 }, 1)).toBeUndefined();
  });

  it('of a capture that has a header of its own is the packet that was on the link', () => {
    for (const linkType of [LinkType.LINUX_SLL, LinkType.LINUX_SLL2, LinkType.NULL, LinkType.LOOP]) {
      const { bytes } = linkSamples.get(linkType) as { bytes: Uint8Array };
      const { packet } = packetFromRecord(recordOf(bytes, linkType), 1) ?? {};
      expect(packet?.link).toMatch(/^ipv[46]$/);
      expect(hex(bytes).endsWith(hex(packet?.bytes as Uint8Array))).toBe(true);
      expect(dissect(packet?.bytes as Uint8Array, LinkType.RAW).layers[0]?.protocol).toBe(packet?.link);
    }
  });

  it('says what its layers do not, and no more', () => {
    const [[, linkType, bytes]] = samples as [(typeof samples)[0]];
    expect(recordOf(bytes, linkType)).not.toHaveProperty('kept');
    const padded = Uint8Array.from([...bytes, 0, 0, 7]);
    const last = recordOf(padded, linkType).kept as { layer: number }[];
    expect(last).toEqual([{ layer: expect.any(Number), back: 'AAAH' }]);
    // Whoever makes records of layers alone makes them without.
    const one = packetOf(1, { bytes: padded });
    expect(packetRecord(one, dissect(padded, linkType))).not.toHaveProperty('kept');
  });
});

describe('what is no packet', () => {
  const bytes = buildAll('ip(dst=10.0.0.1,ttl=9)/udp(dport=4000)/"x"')[0]?.bytes as Uint8Array;
  const good = recordOf(bytes, LinkType.IPV4);
  const layers = good.layers as Record[];
  const changed = (index: number, fields: Record) => ({
    ...good,
    layers: layers.map((layer, i) => (i === index ? { ...layer, ...fields } : layer)),
  });

  it.each<[string, unknown, RegExp]>([
    ['a number', 7, /record 9 is none of sockctl's/],
    ['null', null, /record 9 is none/],
    ['cut by the capture', { ...good, length: 100 }, /record 3: the capture has 29 of its 100 bytes/],
    ['of an unknown link', { ...good, linkType: 'NONSENSE' }, /record 3: linkType is none/],
    ['of a link that nobody can send on', { ...good, linkType: 'LINKTYPE_4711' }, /record 3/],
    ['with a field that does not fit', changed(0, { ttl: 300 }), /layers\[0\]\.ttl is 300, and would be sent as 44/],
    ['with a field of another kind', changed(0, { ttl: '9' }), /layers\[0\]\.ttl is "9"/],
    ['with a field that no layer has', changed(0, { hops: 9 }), /layers\[0\]\.hops is 9, and would be sent as absent/],
    ['without a field', changed(1, { destinationPort: undefined }), /layers\[1\]\.destinationPort/],
    ['with an address that is none', changed(0, { source: 'here' }), /layer 0 \(ipv4\) can't be written: bad address/],
    ['with a layer that is none', changed(1, { protocol: 'nonsense' }), /layer 1 \(nonsense\)/],
    ['with bytes that are none', changed(2, { data: '?' }), /layers\[2\]\.data is no base64/],
    ['with kept for no layer', { ...good, kept: [{ layer: 9, back: 'AAAA' }] }, /kept\[0\]\.layer is no layer/],
    ['with bytes that it has not captured', { ...good, kept: [{ layer: 0, back: 'AAAA' }] }, /capturedLength is 29/],
    ['with another time', { ...good, time: 'today' }, /time is none/],
    ['with layers that are none', { ...good, layers: [1] }, /layers is no list/],
  ])('%s', (_, record, message) => {
    expect(() => packetFromRecord(record, 9)).toThrow(message);
  });

  it('is an error of the user, whatever it is', () => {
    const anything = fc.dictionary(fc.constantFrom(...layers.flatMap(Object.keys), 'options', 'kind'), fc.jsonValue());
    const record = fc.array(anything, { maxLength: 4 }).map((list) => ({
      ...good,
      layers: list.map((fields, i) => ({ ...layers[i % layers.length], ...fields })),
    }));
    fc.assert(
      fc.property(record, (any) => {
        try {
          packetFromRecord(any, 1);
        } catch (error) {
          expect(error).toBeInstanceOf(UsageError);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
