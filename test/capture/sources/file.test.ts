import { spawn } from 'node:child_process';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { runPipeline } from '../../../capture/pipeline.js';
import { openFileSource } from '../../../capture/sources/file.js';
import { collect, content, encode, packet, scratch } from '../helpers.js';

const file = scratch();
const packets = Array.from({ length: 3000 }, (_, index) =>
  packet(index + 1, { bytes: new Uint8Array(500).fill(index) }),
);
const whole = encode('pcapng', packets);

describe('a capture file', () => {
  test.each(['pcap', 'pcapng'] as const)('%s, told by its content', async (format) => {
    await using source = await openFileSource(file('misnamed.txt', encode(format, packets)));
    expect(source.format).toBe(format);
    expect(source.interfaces).toHaveLength(1);
    const read = await collect(source);
    expect(read.error).toBeUndefined();
    expect(content(read.packets)).toBe(content(packets));
  });

  test('gzip, several members too', async () => {
    const half = Math.floor(whole.length / 2);
    const members = Buffer.concat([gzipSync(whole.subarray(0, half)), gzipSync(whole.subarray(half))]);
    await using source = await openFileSource(file('a.gz', members));
    expect(source.compression).toBe('gzip');
    expect(content((await collect(source)).packets)).toBe(content(packets));
  });

  test('cut: every whole packet, then one error that says where', async () => {
    const path = file('cut.pcapng', whole.subarray(0, whole.length - 3));
    const { packets: read, error } = await collect(await openFileSource(path));
    expect(read).toHaveLength(2999);
    expect(error).toMatchObject({
      code: 'TRUNCATED_CAPTURE',
      message: `${path}: the file ends inside the block at byte ${whole.length - 532}`,
    });
  });

  test('cut gzip: what was compressed before is read', async () => {
    const noise = packets.map((one) => ({
      ...one,
      bytes: Buffer.from(one.bytes).map((_, at) => (at * one.number * 7919) >> 3),
    }));
    const compressed = gzipSync(encode('pcap', noise));
    const path = file('cut.gz', compressed.subarray(0, compressed.length - 100));
    const { packets: read, error } = await collect(await openFileSource(path));
    expect(read.length).toBeGreaterThan(0);
    expect(error).toMatchObject({ code: 'TRUNCATED_CAPTURE', message: `${path}: the gzip data ends early` });
  });

  test.each([
    ['empty', '', 'BAD_CAPTURE', /the file is empty/],
    ['text', 'hello, world: this is no capture', 'BAD_CAPTURE', /not a capture file/],
    ['one byte', '\n', 'TRUNCATED_CAPTURE', /ends inside the header/],
    ['gzip in gzip', gzipSync(gzipSync('x')), 'BAD_CAPTURE', /gzip inside compressed data/],
    ['empty gzip', gzipSync(''), 'BAD_CAPTURE', /the file is empty/],
    [
      'bad gzip',
      Buffer.from('1f8b0800000000000003ffffffffffffffffffffffff', 'hex'),
      'BAD_CAPTURE',
      /gzip data is corrupt/,
    ],
  ])('%s', async (name, bytes, code, message) => {
    const path = file(name, bytes);
    await expect(openFileSource(path)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });

  test('no such file, and a folder', async () => {
    const path = file('nothing');
    await expect(openFileSource(path)).rejects.toMatchObject({ code: 'ENOENT', address: path });
    await expect(openFileSource('/')).rejects.toMatchObject({ code: 'EISDIR', address: '/' });
  });

  test('an abort in the middle ends it without an error', async () => {
    const abort = new AbortController();
    const source = await openFileSource(file('abort.pcapng', whole));
    const summary = await runPipeline({ source, sinks: [], signal: abort.signal, onPacket: () => abort.abort() });
    expect(summary.endReason).toBe('interrupted');
    expect(summary.captured).toBeLessThan(3000);
  });

  test('a quiet pipe does not hold up an abort', async () => {
    const path = file('fifo');
    const mkfifo = spawn('mkfifo', [path]);
    await new Promise((resolve) => mkfifo.on('exit', resolve));
    // Holds the writing end open after the file's bytes.
    const writer = spawn('sh', ['-c', `exec 3>"${path}"; cat "${file('part.pcapng', whole)}" >&3; read _`]);
    const source = await openFileSource(path);
    const abort = new AbortController();
    const onPacket = (one: { number: number }): void => void (one.number === 3000 && abort.abort());
    const summary = await runPipeline({ source, sinks: [], signal: abort.signal, onPacket });
    expect(summary).toMatchObject({ captured: 3000, endReason: 'interrupted' });
    writer.stdin.end();
  });
});
