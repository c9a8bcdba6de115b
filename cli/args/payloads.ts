/** Where the datagrams of `udp send` come from. */
import { closeSync, createReadStream, fstatSync, openSync } from 'node:fs';
import { constants } from 'node:os';
import { PROBE_HEADER_SIZE } from '../../src/datagram/probe-header.js';
import type { Payload, PayloadRun } from '../../src/datagram/send.js';
import { SocketError, UsageError } from '../../src/errors.js';

export interface PayloadFlags {
  readonly data?: string;
  readonly hex?: Uint8Array;
  readonly file?: string;
  readonly size?: number;
  readonly chunk?: number;
  readonly count?: number;
  readonly rate?: unknown;
  readonly time?: unknown;
  readonly probe?: boolean;
}

export interface Payloads {
  readonly source: AsyncIterable<Payload> | Iterable<Payload>;
  /** Bytes of each datagram where they are all alike: what a rate in bits is divided by. */
  readonly size: number | undefined;
}

const PROBE_DEFAULT = 64;
/** The largest payload of UDP over IPv4; one more byte lets the kernel say that it is too much. */
const WHOLE_MAX = 65_508;
/** Bytes of equal datagrams that are laid out together, and how many of them at most. */
const RUN_BYTES = 1 << 18;
const RUN_MAX = 4096;

/** @throws UsageError for options that contradict each other */
export function choosePayloads(flags: PayloadFlags): Payloads {
  const given = (['data', 'hex', 'file', 'size'] as const).filter((name) => flags[name] !== undefined);
  if (given.length > 1) throw new UsageError(`--${given.join(' and --')}: one payload at a time`);
  if (flags.chunk === 0) throw new UsageError('--chunk 0: a datagram of the input needs at least one byte');
  // Without a count a rate means until interrupted, and a time until that is over.
  const endless = flags.rate !== undefined || flags.time !== undefined;
  const repeat = flags.count ?? (endless ? Number.POSITIVE_INFINITY : 1);
  if (flags.probe === true) {
    const size = flags.size ?? PROBE_DEFAULT;
    if (given.length > 0 && flags.size === undefined) {
      throw new UsageError(`--probe with --${given[0]}: a probe fills its own payload`, 'give its size with --size');
    }
    if (size < PROBE_HEADER_SIZE)
      throw new UsageError(`--probe --size ${size}: the probe header takes ${PROBE_HEADER_SIZE} bytes`);
    return { source: repeated(pattern(size), repeat), size };
  }
  const fixed =
    flags.data !== undefined
      ? Buffer.from(flags.data)
      : (flags.hex ?? (flags.size === undefined ? undefined : pattern(flags.size)));
  if (fixed !== undefined) return { source: repeated(fixed, repeat), size: fixed.length };
  const limit = flags.count ?? Number.POSITIVE_INFINITY;
  const input = flags.file === undefined ? process.stdin : fileBytes(flags.file);
  if (flags.chunk !== undefined) return { source: chunks(input, flags.chunk, limit), size: flags.chunk };
  if (flags.file !== undefined) return { source: limited(whole(input, flags.file), limit), size: undefined };
  return { source: limited(lines(input), limit), size: undefined };
}

/** Opened at once: the user who is run as later may not be allowed to. */
function fileBytes(path: string): AsyncIterable<Uint8Array> {
  const fd = openSync(path, 'r');
  if (fstatSync(fd).isDirectory()) {
    closeSync(fd);
    throw new SocketError({ syscall: 'read', code: 'EISDIR', errno: constants.errno.EISDIR, address: path });
  }
  return createReadStream(path, { fd, highWaterMark: 1 << 18 });
}

/** The bytes 0, 1, 2, … as ping(8) fills its packets. */
function pattern(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, i) => i & 255);
}

/** The same again and again, laid out in runs; the senders of probes write over them. */
function* repeated(payload: Uint8Array, times: number): Iterable<Payload> {
  const size = payload.length;
  if (size === 0 || times === 1) {
    for (let i = 0; i < times; i++) yield payload;
    return;
  }
  const most = Math.min(times, Math.max(1, Math.floor(RUN_BYTES / size)), RUN_MAX);
  const bytes = new Uint8Array(most * size);
  for (let i = 0; i < most; i++) bytes.set(payload, i * size);
  for (let left = times; left > 0; left -= most) {
    const count = Math.min(left, most);
    yield { bytes: bytes.subarray(0, count * size), size, count };
  }
}

async function* limited(source: AsyncIterable<Uint8Array>, limit: number): AsyncIterable<Uint8Array> {
  let given = 0;
  for await (const payload of source) {
    yield payload;
    if (++given >= limit) return;
  }
}

/** Datagrams of `size` bytes, the last one of what is left; `limit` of them at most. */
async function* chunks(input: AsyncIterable<Uint8Array>, size: number, limit: number): AsyncIterable<PayloadRun> {
  let rest: Uint8Array = new Uint8Array(0);
  let left = limit;
  for await (const chunk of input) {
    const all = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const count = Math.min(Math.floor(all.length / size), left);
    if (count > 0) yield { bytes: all.subarray(0, count * size), size, count };
    left -= count;
    if (left <= 0) return;
    rest = all.subarray(count * size);
  }
  if (rest.length > 0) yield { bytes: rest, size, count: 1 };
}

async function* whole(input: AsyncIterable<Uint8Array>, name: string): AsyncIterable<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of input) {
    parts.push(part);
    size += part.length;
    if (size >= WHOLE_MAX) throw new UsageError(`${name}: too large for one datagram`, 'cut it with --chunk 1400');
  }
  yield Buffer.concat(parts);
}

/** A datagram a line, its newline included, as it was typed; a line that no datagram can hold is an error. */
async function* lines(input: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  let rest: Uint8Array = new Uint8Array(0);
  for await (const chunk of input) {
    const all = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let start = 0;
    for (let end = all.indexOf(10); end >= 0; end = all.indexOf(10, start)) {
      yield all.subarray(start, end + 1);
      start = end + 1;
    }
    rest = all.subarray(start);
    if (rest.length >= WHOLE_MAX)
      throw new UsageError('stdin: a line is too large for one datagram', 'cut it with --chunk 1400');
  }
  if (rest.length > 0) yield rest;
}
