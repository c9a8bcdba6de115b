/** Where the datagrams of `udp send` come from. */
import { createReadStream, openSync } from 'node:fs';
import { UsageError } from '../../src/errors.js';

export interface PayloadFlags {
  readonly data?: string;
  readonly hex?: Uint8Array;
  readonly file?: string;
  readonly size?: number;
  readonly chunk?: number;
  readonly count?: number;
  readonly rate?: unknown;
  readonly probe?: boolean;
}

export interface Payloads {
  readonly source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
  /** Bytes of each datagram where they are all alike: what a rate in bits is divided by. */
  readonly size: number | undefined;
}

/** sizeof the probe header, src/datagram/probe-header.ts. */
const PROBE_MIN = 40;
const PROBE_DEFAULT = 64;
/** The largest payload of UDP over IPv4; one more byte lets the kernel say that it is too much. */
const WHOLE_MAX = 65_508;

/** @throws UsageError for options that contradict each other */
export function choosePayloads(flags: PayloadFlags): Payloads {
  const given = (['data', 'hex', 'file', 'size'] as const).filter((name) => flags[name] !== undefined);
  if (given.length > 1) throw new UsageError(`--${given.join(' and --')}: one payload at a time`);
  if (flags.chunk === 0) throw new UsageError('--chunk 0: a datagram of the input needs at least one byte');
  // Without a count a rate means: until interrupted.
  const repeat = flags.count ?? (flags.rate === undefined ? 1 : Number.POSITIVE_INFINITY);
  if (flags.probe === true) {
    const size = flags.size ?? PROBE_DEFAULT;
    if (given.length > 0 && flags.size === undefined) {
      throw new UsageError(`--probe with --${given[0]}: a probe fills its own payload`, 'give its size with --size');
    }
    if (size < PROBE_MIN) throw new UsageError(`--probe --size ${size}: the probe header takes ${PROBE_MIN} bytes`);
    return { source: fresh(size, repeat), size };
  }
  const fixed =
    flags.data !== undefined
      ? Buffer.from(flags.data)
      : (flags.hex ?? (flags.size === undefined ? undefined : pattern(flags.size)));
  if (fixed !== undefined) return { source: repeated(fixed, repeat), size: fixed.length };
  const limit = flags.count ?? Number.POSITIVE_INFINITY;
  const input = flags.file === undefined ? process.stdin : fileBytes(flags.file);
  if (flags.chunk !== undefined) return { source: limited(chunks(input, flags.chunk), limit), size: flags.chunk };
  if (flags.file !== undefined) return { source: limited(whole(input, flags.file), limit), size: undefined };
  return { source: limited(lines(input), limit), size: undefined };
}

/** Opened at once: the user who is run as later may not be allowed to. */
function fileBytes(path: string): AsyncIterable<Uint8Array> {
  return createReadStream(path, { fd: openSync(path, 'r'), highWaterMark: 1 << 18 });
}

/** The bytes 0, 1, 2, … as ping(8) fills its packets. */
function pattern(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, i) => i & 255);
}

function* repeated(payload: Uint8Array, times: number): Iterable<Uint8Array> {
  for (let i = 0; i < times; i++) yield payload;
}

/** A buffer of its own for each datagram: several wait in one batch, each with its own header. */
function* fresh(size: number, times: number): Iterable<Uint8Array> {
  const filling = pattern(size);
  for (let i = 0; i < times; i++) yield Uint8Array.from(filling);
}

async function* limited(source: AsyncIterable<Uint8Array>, limit: number): AsyncIterable<Uint8Array> {
  let given = 0;
  for await (const payload of source) {
    yield payload;
    if (++given >= limit) return;
  }
}

/** Datagrams of `size` bytes, the last one of what is left. */
async function* chunks(input: AsyncIterable<Uint8Array>, size: number): AsyncIterable<Uint8Array> {
  let rest: Uint8Array = new Uint8Array(0);
  for await (const chunk of input) {
    const all = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    for (; at + size <= all.length; at += size) yield all.subarray(at, at + size);
    rest = all.subarray(at);
  }
  if (rest.length > 0) yield rest;
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
