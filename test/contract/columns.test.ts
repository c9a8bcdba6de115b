/** Messages in columns beside the same messages as objects, and tables of messages beside what comes of them. */
import fc from 'fast-check';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { silentLogger } from '../../src/log/events.js';
import { answerTypes } from '../../src/raw/ping/answer.js';
import { IPv4Address, IPv6Address, parseIP } from '../../src/sockaddr/ip.js';
import type { MessageColumns } from '../../src/socket/columns.js';
import { nativeBackend } from '../../src/socket/native/backend.js';
import { Inbox } from '../../src/socket/native/inbox.js';
import { MMSGHDR_SIZE, Msghdr } from '../../src/socket/native/layout.js';
import { type Libc, loadLibc } from '../../src/socket/native/libc.js';
import type { Backend, MessageHandlers, RawSocket, ReceivedMessage } from '../../src/socket/port.js';
import { encodeIcmpEcho } from '../../src/wire/echo.js';
import { hasIPv6, isRoot } from '../hosts/machine.js';

const ICMP = { ipv4: 1, ipv6: 58 } as const;
const open = { settings: [], logger: silentLogger };

/** What both ways of delivery tell, in one form. */
interface Told {
  readonly bytes: string;
  readonly length: number;
  readonly from: string;
  readonly time: string;
  readonly hopLimit: number | null;
  readonly trafficClass: number | null;
}

function toldByObject({
  bytes,
  length,
  from,
  timestamp,
  timestampSource,
  hopLimit,
  trafficClass,
}: ReceivedMessage): Told {
  return {
    bytes: Buffer.from(bytes).toString('hex'),
    length,
    from: from === undefined || from.family === 'unix' ? '' : withoutZone(String(from.address)),
    time: timestampSource === 'kernel' ? `${timestamp.seconds}.${timestamp.nanoseconds}` : '',
    hopLimit,
    trafficClass,
  };
}

function toldByColumns(columns: MessageColumns, i: number, ipv6: boolean): Told {
  const number = (column: { readonly [i: number]: number }, at = i) => column[at] ?? Number.NaN;
  const start = number(columns.starts);
  const orNull = (value: number) => (value < 0 ? null : value);
  const words = columns.senders.subarray(4 * i, 4 * i + 4);
  const view = new DataView(new ArrayBuffer(16));
  words.forEach((word, at) => {
    view.setUint32(4 * at, word);
  });
  return {
    bytes: Buffer.from(columns.bytes.subarray(start, start + number(columns.kept))).toString('hex'),
    length: number(columns.lengths),
    from: String(ipv6 ? IPv6Address.fromBytes(new Uint8Array(view.buffer)) : new IPv4Address(number(words, 0))),
    time: number(columns.kernelTimes) === 1 ? `${number(columns.seconds)}.${number(columns.nanoseconds)}` : '',
    hopLimit: orNull(number(columns.hopLimits)),
    trafficClass: orNull(number(columns.trafficClasses)),
  };
}

const withoutZone = (address: string) => address.replace(/%.*/, '');

describe('a batch in memory', () => {
  const COUNT = 8;
  const SLOT = 64;
  let libc: Libc;
  beforeAll(async () => {
    libc = await loadLibc();
  });

  /** A control message as cmsg(3) has it, some with lengths that are not true. */
  const control = fc
    .record({
      level: fc.constantFrom(0, 1, 41, 17),
      type: fc.constantFrom(1, 2, 8, 35, 50, 52, 67, 104, 11),
      data: fc.uint8Array({ maxLength: 40 }),
      lie: fc.option(fc.integer({ min: 0, max: 300 }), { freq: 12 }),
    })
    .map(({ level, type, data, lie }) => {
      const bytes = Buffer.alloc(Math.ceil((16 + data.length) / 8) * 8);
      bytes.writeUInt32LE(lie ?? 16 + data.length, 0);
      bytes.writeInt32LE(level, 8);
      bytes.writeInt32LE(type, 12);
      bytes.set(data, 16);
      return bytes;
    });
  /** A timestamp as the kernel writes it. */
  const timestamp = fc
    .record({ seconds: fc.integer({ min: 0, max: 2 ** 40 }), nanoseconds: fc.integer({ min: 0, max: 999_999_999 }) })
    .map(({ seconds, nanoseconds }) => {
      const bytes = Buffer.alloc(32);
      bytes.writeUInt32LE(32, 0);
      bytes.writeInt32LE(1, 8);
      bytes.writeInt32LE(35, 12);
      bytes.writeBigInt64LE(BigInt(seconds), 16);
      bytes.writeBigInt64LE(BigInt(nanoseconds), 24);
      return bytes;
    });
  const message = (ipv6: boolean) =>
    fc.record({
      payload: fc.uint8Array({ maxLength: SLOT }),
      beyond: fc.option(fc.integer({ min: 1, max: 70_000 }), { freq: 4 }),
      address: fc.uint8Array({ minLength: ipv6 ? 16 : 4, maxLength: ipv6 ? 16 : 4 }),
      controls: fc.array(fc.oneof(control, timestamp), { maxLength: 5 }),
    });

  it.each([false, true])('tells in columns what it tells in objects (IPv6: %s)', (ipv6) => {
    const inbox = new Inbox(libc, COUNT, SLOT, false);
    const headers = new DataView(libc.view(inbox.address, COUNT * MMSGHDR_SIZE));
    const pointed = (at: number, length: number) => new Uint8Array(libc.view(headers.getBigUint64(at, true), length));
    const family = ipv6 ? 10 : 2;
    fc.assert(
      fc.property(fc.array(message(ipv6), { minLength: 1, maxLength: COUNT }), (messages) => {
        inbox.prepare(COUNT);
        messages.forEach(({ payload, beyond, address, controls }, i) => {
          const header = i * MMSGHDR_SIZE;
          const name = pointed(header + Msghdr.name, 128).fill(0);
          name[0] = family;
          name.set(address, ipv6 ? 8 : 4);
          headers.setUint32(header + Msghdr.nameLength, ipv6 ? 28 : 16, true);
          const cmsgs = Buffer.concat(controls).subarray(0, 256);
          pointed(header + Msghdr.control, 256).set(cmsgs);
          headers.setUint32(header + Msghdr.controlLength, cmsgs.length, true);
          const iovec = new DataView(pointed(header + Msghdr.iov, 16).buffer);
          new Uint8Array(libc.view(iovec.getBigUint64(0, true), SLOT)).fill(0).set(payload);
          const length = beyond === null ? payload.length : SLOT + beyond;
          headers.setUint32(header + Msghdr.length, length, true);
        });
        const now = () => ({ seconds: 1, nanoseconds: 2 });
        const columns = inbox.columns(messages.length, now);
        const objects = messages.map((_, i) => columns.message(i));
        const mapped = objects.map(({ from }) => ipv6 && from?.family === 'ipv4');
        const found = objects.map((_, i) => toldByColumns(columns, i, ipv6));
        // UDP_GRO and values that no 16 bits hold are nothing that a raw socket is told.
        const wanted = objects.map((object, i) => ({
          ...toldByObject({ ...object, hopLimit: short(object.hopLimit), trafficClass: short(object.trafficClass) }),
          length: columns.lengths[i],
          bytes: found[i]?.bytes,
          ...(mapped[i] === true ? { from: found[i]?.from } : {}),
        }));
        expect(found).toEqual(wanted);
        messages.forEach(({ payload, beyond }, i) => {
          const whole = beyond === null ? payload : Uint8Array.from({ length: SLOT }, (_, at) => payload[at] ?? 0);
          expect(found[i]?.bytes).toBe(Buffer.from(whole).toString('hex'));
        });
      }),
    );
    inbox.release();
  });

  const short = (value: number | null) => {
    const kept = value === null ? -1 : (value << 16) >> 16;
    return kept < 0 ? null : kept;
  };
});

describe.skipIf(!isRoot)(`on raw sockets${isRoot ? '' : ' (they need root)'}`, () => {
  let backend: Backend;
  const sockets: RawSocket[] = [];
  beforeAll(async () => {
    backend = await nativeBackend();
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) await socket.close();
  });

  const raw = async (family: 'ipv4' | 'ipv6', messageSize?: number) => {
    const socket = await backend.raw({
      ...open,
      family,
      protocol: ICMP[family],
      icmpTypes: answerTypes(family, 'echo'),
      receiveBuffer: 16 << 20,
      messageSize,
    });
    sockets.push(socket);
    return socket;
  };
  const request = (family: 'ipv4' | 'ipv6', sequence: number) =>
    encodeIcmpEcho({
      family,
      type: 'request',
      identifier: 0x5a5a,
      sequence,
      payload: Uint8Array.of(1, 2, 3, sequence & 255),
    });
  const nothing: MessageHandlers = { messages: () => undefined, failure: () => undefined };
  const icmpOf = (family: string, hex: string) => (family === 'ipv4' ? hex.slice(40) : hex);
  const ours = (family: string) => (told: Told) => icmpOf(family, told.bytes).slice(8, 12) === '5a5a';
  const eventually = async (done: () => boolean) => {
    for (const until = performance.now() + 15_000; !done() && performance.now() < until; ) {
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  };

  it.for([
    ['ipv4', false],
    ['ipv4', true],
    ['ipv6', false],
    ['ipv6', true],
  ] as const)(
    'what a table sends comes back, in columns as in objects: %s, threaded %s',
    async ([family, thread], ctx) => {
      if (family === 'ipv6' && !hasIPv6) return ctx.skip('no IPv6 here');
      const count = 1000;
      const [inColumns, inObjects] = [await raw(family, 256), await raw(family, 256)];
      const [found, wanted, again]: Told[][] = [[], [], []];
      inColumns.receive({
        ...nothing,
        messages: () => expect.unreachable('they come in columns'),
        columns: (columns) => {
          for (let i = 0; i < columns.count; i++) {
            found?.push(toldByColumns(columns, i, family === 'ipv6'));
            again?.push(toldByObject(columns.message(i)));
          }
        },
      });
      inObjects.receive({ ...nothing, messages: (batch) => wanted?.push(...batch.map(toldByObject)) });
      const size = request(family, 0).length;
      const table = inColumns.table?.({ capacity: 128, size, thread });
      if (table === undefined) return expect.unreachable('no table');
      expect(table).toMatchObject({ capacity: 128, size, threaded: thread });
      for (let sent = 0; sent < count; ) {
        const batch = Math.min(128, count - sent);
        for (let i = 0; i < batch; i++) {
          table.bytes.set(request(family, sent + i), i * table.stride);
          if (family === 'ipv4') table.toIPv4(i, 0x7f010000 + sent + i);
          else table.toIPv6(i, parseIP('::1').toBytes(), 0);
        }
        for (let from = 0; from < batch; ) {
          const outcome = await table.send(from, batch);
          expect(outcome.refused).toBeUndefined();
          from += outcome.sent;
        }
        sent += batch;
      }
      expect(inColumns.sent).toBe(count);
      const replies = (told: Told[] | undefined) => (told ?? []).filter(ours(family));
      await eventually(() => replies(found).length >= count && replies(wanted).length >= count);
      expect([replies(found).length, replies(wanted).length, inColumns.dropped]).toEqual([count, count, 0]);
      expect(found).toEqual(again);
      const order = (told: Told[]) =>
        told.map(({ bytes, from, length, hopLimit }) => ({ bytes, from, length, hopLimit }));
      expect(order(replies(found))).toEqual(order(replies(wanted)));
      replies(found).forEach((told, sequence) => {
        const icmp = icmpOf(family, told.bytes);
        expect(icmp.slice(12)).toBe(Buffer.from(request(family, sequence).subarray(6)).toString('hex'));
        if (family === 'ipv4') expect(told.from).toBe(String(new IPv4Address(0x7f010000 + sequence)));
      });
      return undefined;
    },
  );

  it.each([false, true])(
    'the first message that is refused ends a call, and has its reason (threaded: %s)',
    async (thread) => {
      const socket = await raw('ipv4');
      socket.receive(nothing);
      const table = socket.table?.({ capacity: 8, size: 12, thread });
      for (let i = 0; i < 8; i++) {
        table?.bytes.set(request('ipv4', i), i * (table?.stride ?? 0));
        // A broadcast takes SO_BROADCAST.
        table?.toIPv4(i, i === 3 ? 0xffff_ffff : 0x7f000001);
      }
      expect(await table?.send(0, 8)).toMatchObject({ sent: 3 });
      expect(await table?.send(3, 8)).toMatchObject({ sent: 0, refused: { code: 'EACCES' } });
      expect(await table?.send(4, 8)).toMatchObject({ sent: 4 });
      expect(socket.sent).toBe(7);
    },
  );

  it('messages that have come in are handed over on request, even while delivery is paused', async () => {
    const socket = await raw('ipv4', 256);
    let count = 0;
    socket.receive({
      ...nothing,
      columns: (columns) => {
        for (let i = 0; i < columns.count; i++) if (ours('ipv4')(toldByColumns(columns, i, false))) count++;
      },
    });
    socket.pause();
    const table = socket.table?.({ capacity: 600, size: 12 });
    for (let i = 0; i < 600; i++) {
      table?.bytes.set(request('ipv4', i), i * (table?.stride ?? 0));
      table?.toIPv4(i, 0x7f000001);
    }
    expect(await table?.send(0, 600)).toMatchObject({ sent: 600 });
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(count).toBe(0);
    socket.takeMessages?.();
    expect(count).toBe(600);
  });

  it('a socket that is closed while its tables are sent takes no more, and waits for the threads', async () => {
    const socket = await raw('ipv4');
    socket.receive(nothing);
    const tables = [0, 1, 2].map(() => socket.table?.({ capacity: 512, size: 12, thread: true }));
    const runs = tables.map(async (table) => {
      for (let i = 0; i < 512; i++) {
        table?.bytes.set(request('ipv4', i), i * (table?.stride ?? 0));
        table?.toIPv4(i, 0x7f000001);
      }
      for (;;) await table?.send(0, 512);
    });
    await new Promise((resolve) => setTimeout(resolve, 20));
    const ends = Promise.allSettled(runs);
    await socket.close();
    for (const end of await ends) expect(end).toMatchObject({ status: 'rejected', reason: { code: 'EBADF' } });
  });
});
