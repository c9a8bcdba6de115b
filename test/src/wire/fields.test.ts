/** The catalogue of fields has every field that a layer ever shows. */
import { expect, it } from 'vitest';
import { dissect } from '../../../src/wire/dissect.js';
import { FIELDS } from '../../../src/wire/fields.js';
import { LinkType } from '../../../src/wire/link-types.js';
import { ethernetSamples, linkSamples, networkSamples, rawSamples } from './samples.js';

it('lists what the layers of the samples have', () => {
  const all: [number, Uint8Array][] = [
    ...ethernetSamples.map(({ bytes }): [number, Uint8Array] => [LinkType.ETHERNET, bytes]),
    ...[...rawSamples, ...networkSamples].map(({ bytes }): [number, Uint8Array] => [LinkType.RAW, bytes]),
    ...[...linkSamples].map(([linkType, { bytes }]): [number, Uint8Array] => [linkType, bytes]),
  ];
  for (const [linkType, bytes] of all) {
    for (const { protocol, ...fields } of dissect(bytes, linkType).layers) {
      for (const field of Object.keys(fields)) expect(FIELDS[protocol], `${protocol}.${field}`).toContain(field);
    }
  }
});
