import { expect, test } from 'vitest';
import { linkDirection, packetRecord } from '../../capture/record.js';
import type { Dissection } from '../../src/wire/layer.js';
import { packet } from './helpers.js';

/** Only what the record does with the values matters here, not which layers there are. */
function dissection(layers: unknown[], malformed?: unknown): Dissection {
  return { layers, ...(malformed === undefined ? {} : { malformed }) } as unknown as Dissection;
}

test('the record of the contract', () => {
  const captured = packet(7, { originalLength: 60, direction: 'in', comments: ['x'] });
  expect(packetRecord(captured, dissection([{ protocol: 'data' }]))).toEqual({
    type: 'packet',
    time: '2023-11-14T22:13:27.123456789Z',
    number: 7,
    interface: 'eth0',
    direction: 'in',
    length: 60,
    capturedLength: 5,
    linkType: 'ETHERNET',
    layers: [{ protocol: 'data' }],
    comments: ['x'],
  });
});

test('bytes become base64 and large integers text, at any depth', () => {
  const layers = [{ protocol: 'x', bytes: Uint8Array.of(1, 2, 3), list: [{ small: 5n, large: 2n ** 60n }] }];
  const malformed = { layer: 'x', offset: 1, need: 8, have: 2 };
  const record = packetRecord(packet(1), dissection(layers, malformed));
  expect(JSON.parse(JSON.stringify(record))).toMatchObject({
    layers: [{ protocol: 'x', bytes: 'AQID', list: [{ small: 5, large: '1152921504606846976' }] }],
    malformed,
  });
});

test('no time is null', () => {
  expect(packetRecord(packet(1, { timestamp: null }), dissection([])).time).toBeNull();
});

test.each([
  [113, [0, 0], 'in'],
  [113, [0, 4], 'out'],
  [113, [0, 3], null],
  [113, [9, 4], null],
  [113, [], null],
  [276, [8, 0, 0, 0, 0, 0, 0, 1, 0, 1, 4], 'out'],
  [1, [0, 4], null],
])('the direction of link type %i, %j', (linkType, bytes, direction) => {
  expect(linkDirection(linkType, Uint8Array.from(bytes))).toBe(direction);
});
