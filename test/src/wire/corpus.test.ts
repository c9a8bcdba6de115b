/**
 * The packets that fuzzing has kept (scripts/fuzz.mjs), each of which has shown a branch of the decoders that none before
 * it had; most of them are wrong in some way. They and all their beginnings are read without an exception, and what is
 * read of them can be written again.
 */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { openReader } from '../../../capture/format/open.js';
import { detailLines } from '../../../src/wire/detail.js';
import { dissect } from '../../../src/wire/dissect.js';
import { encodePacket } from '../../../src/wire/encode.js';
import { dissectExactly } from '../../../src/wire/exact.js';
import { summarize } from '../../../src/wire/summary.js';

const file = gunzipSync(readFileSync(new URL('corpus.pcapng.gz', import.meta.url)));
const packets = openReader('corpus.pcapng', file.subarray(0, 16)).push(file);

it('is read from the file', () => expect(packets.length).toBeGreaterThan(500));

it('is written as it was', () => {
  for (const { bytes, originalLength, interface: from } of packets) {
    const written = encodePacket(dissectExactly(bytes, from.linkType, { originalLength }));
    if (Buffer.compare(written, bytes) !== 0) expect.fail(`differs: ${Buffer.from(bytes).toString('hex')}`);
  }
});

function expectPrintable(text: string): void {
  if (!/^[\x20-\x7e…\n]*$/.test(text)) expect.fail(`not printable: ${JSON.stringify(text)}`);
}

it('is printed without control characters', () => {
  for (const { bytes, originalLength, interface: from } of packets) {
    const found = dissect(bytes, from.linkType, { originalLength });
    expectPrintable([summarize(found, originalLength, { link: true, verbose: true }), ...detailLines(found)].join(' '));
  }
});

// A million beginnings: seconds on an idle machine.
it('has no beginning that can not be read', { timeout: 120_000 }, () => {
  for (const { bytes, originalLength, interface: from } of packets) {
    for (let length = 0; length < bytes.length; length++) {
      const cut = bytes.subarray(0, length);
      expectPrintable(summarize(dissect(cut, from.linkType, { originalLength }), originalLength));
      dissect(cut, from.linkType);
    }
  }
});
