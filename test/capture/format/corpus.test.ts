/**
 * The files that fuzzing has kept (scripts/fuzz.mjs), whole, cut and corrupt, each as a packet of one file: however they
 * are cut into pieces the same packets come out, what can't be read is an error with a place, and a copy is copied again
 * byte for byte.
 */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { ByteWriter } from '../../../capture/format/bytes.js';
import { openReader, openWriter } from '../../../capture/format/open.js';
import { SockctlError } from '../../../src/errors.js';
import { decode } from '../helpers.js';

type Read = ReturnType<typeof decode>;

function copy(reader: Read): Uint8Array {
  const writer = openWriter('pcapng');
  const out = new ByteWriter();
  writer.open(out, reader.interfaces);
  for (const packet of reader.packets) writer.packet(out, packet);
  writer.close(out, reader.statistics, reader.trailing);
  return out.written();
}

const kept = gunzipSync(readFileSync(new URL('corpus.pcapng.gz', import.meta.url)));
const files = openReader('corpus', kept.subarray(0, 16))
  .push(kept)
  .map(({ bytes }) => bytes);

it('is read, whole and in pieces, and copied', () => {
  expect(files.length).toBeGreaterThan(500);
  let copied = 0;
  for (const file of files) {
    let whole: Read;
    try {
      whole = decode(file);
    } catch (error) {
      expect(error).toBeInstanceOf(SockctlError);
      continue;
    }
    const { packets, fault } = whole;
    expect(fault?.offset ?? 0).toBeLessThanOrEqual(file.length);
    for (const step of [1, 13]) {
      const cuts = Array.from({ length: Math.floor(file.length / step) }, (_, i) => i * step);
      expect(decode(file, cuts).packets).toEqual(packets);
    }
    if (packets.length === 0) continue;
    const once = copy(whole);
    const again = decode(once);
    expect(again.fault).toBeUndefined();
    expect(again.packets.length).toBe(packets.length);
    if (Buffer.compare(copy(again), once) !== 0) expect.fail(`another copy of ${Buffer.from(file).toString('hex')}`);
    copied++;
  }
  expect(copied).toBeGreaterThan(300);
});
