import { execFileSync, spawn } from 'node:child_process';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { runPipeline } from '../../../capture/pipeline.js';
import { openFileSource } from '../../../capture/sources/file.js';
import { inflateZstd } from '../../../capture/sources/zstd.js';
import { collect, content, encode, packet, scratch } from '../helpers.js';

const file = scratch();
const packets = Array.from({ length: 3000 }, (_, index) =>
  packet(index + 1, { bytes: new Uint8Array(500).fill(index) }),
);
const whole = encode('pcapng', packets);

/** A frame of blocks that are stored as they are (RFC 8878 section 3.1.1). */
function zstdFrame(bytes: Uint8Array): Uint8Array {
  const out: number[] = [0x28, 0xb5, 0x2f, 0xfd, 0xa0];
  out.push(bytes.length & 255, (bytes.length >> 8) & 255, (bytes.length >> 16) & 255, bytes.length >>> 24);
  for (let at = 0; at < bytes.length; at += 50_000) {
    const block = bytes.subarray(at, at + 50_000);
    const header = (block.length << 3) | (at + 50_000 >= bytes.length ? 1 : 0);
    out.push(header & 255, (header >> 8) & 255, header >> 16);
    for (const byte of block) out.push(byte);
  }
  return Uint8Array.from(out);
}

async function* pieces(bytes: Uint8Array, length: number) {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

async function drain(chunks: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const _ of chunks) {
    // What comes is of no interest.
  }
}

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

  test('zstd, in JavaScript where Node has none', async () => {
    await using source = await openFileSource(file('a.zst', zstdFrame(whole)));
    expect(source.compression).toBe('zstd');
    expect(content((await collect(source)).packets)).toBe(content(packets));
    const found: Uint8Array[] = [];
    for await (const piece of inflateZstd(pieces(zstdFrame(whole), 1000))) found.push(piece);
    expect(Buffer.concat(found).equals(Buffer.from(whole))).toBe(true);
    const cut = inflateZstd(pieces(zstdFrame(whole).subarray(0, 5000), 1000));
    await expect(drain(cut)).rejects.toMatchObject({ code: 'ZSTD_error_srcSize_wrong' });
    const wrong = zstdFrame(whole);
    wrong[9] = 0xff;
    await expect(drain(inflateZstd(pieces(wrong, 1000)))).rejects.toMatchObject({
      code: expect.stringMatching(/^ZSTD_error/),
    });
  });

  test('zstd of a few bytes that stand for gigabytes, a little at a time', async () => {
    // Blocks of one byte and a count, 128 KiB each, in a frame that names no size.
    const head = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58];
    const block = [2 | ((0x20000 << 3) & 0xff), (0x20000 >> 5) & 0xff, (0x20000 >> 13) & 0xff, 7];
    const bomb = Uint8Array.from([...head, ...Array.from({ length: 50_000 }, () => block).flat()]);
    let length = 0;
    const before = process.memoryUsage().rss;
    for await (const piece of inflateZstd(pieces(bomb, bomb.length))) {
      length += piece.length;
      if (length > 1e9) break;
    }
    expect(length).toBeGreaterThan(1e9);
    expect(process.memoryUsage().rss - before).toBeLessThan(400e6);
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

  test('a pipe that nobody writes to, and one without a whole head, do not hold up an abort', async () => {
    const path = file('silent');
    execFileSync('mkfifo', [path]);
    const reason = new Error('enough');
    const silent = new AbortController();
    const opening = openFileSource(path, silent.signal);
    const ended = expect(opening).rejects.toBe(reason);
    setImmediate(() => silent.abort(reason));
    await ended;
    const writer = spawn('sh', ['-c', `exec 3>"${path}"; printf '\\012\\015' >&3; echo written; read _`]);
    const early = new AbortController();
    const waiting = expect(openFileSource(path, early.signal)).rejects.toBe(reason);
    await new Promise((resolve) => writer.stdout.once('data', resolve));
    early.abort(reason);
    await waiting;
    writer.stdin.end();
  });
});
