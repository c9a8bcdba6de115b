/** Every row of the option table on a real socket of every kind that it claims: set, and read back. */
import { describe, expect, it } from 'vitest';
import { SocketError } from '../../src/errors.js';
import { LEVELS, SOCKET_OPTIONS, type SocketKind, type SocketOption } from '../../src/options/table.js';
import { decodeOptionValue, type OptionValue, parseOptionValue } from '../../src/options/value.js';
import { openForOption, readDefaults } from '../../src/socket/native/defaults.js';
import type { Descriptor } from '../../src/socket/native/descriptor.js';
import { loadLibc } from '../../src/socket/native/libc.js';
import { isRoot } from '../hosts/machine.js';

/** A value that every kernel takes; most types have one of their own. */
const SPECIAL: Record<string, string> = {
  SO_BINDTODEVICE: 'lo',
  SO_INCOMING_CPU: '0',
  // Above 6 it takes a capability.
  SO_PRIORITY: '3',
  TCP_CONGESTION: 'reno',
  TCP_FASTOPEN: '5',
  IP_TOS: '0x10',
  IPV6_TCLASS: '0x10',
  TCP_LINGER2: '60',
};

/** What the kernel makes of a value, where that is another one; undefined where it can't be read back. */
const IN_EFFECT: Record<string, (value: number) => (now: OptionValue | undefined) => boolean> = {
  // socket(7): doubled, and at least a minimum.
  SO_SNDBUF: (value) => (now) => Number(now) >= 2 * value,
  SO_RCVBUF: (value) => (now) => Number(now) >= 2 * value,
  SO_SNDBUFFORCE: () => (now) => now === undefined,
  SO_RCVBUFFORCE: () => (now) => now === undefined,
  // tcp(7): rounded to the times of retransmissions, and to half of the smallest buffer.
  TCP_DEFER_ACCEPT: (value) => (now) => Number(now) >= value,
  TCP_WINDOW_CLAMP: (value) => (now) => Number(now) >= value,
};

function sample({ name, type }: SocketOption): string {
  const known = SPECIAL[name];
  if (known !== undefined) return known;
  switch (type.kind) {
    case 'flag':
      return 'on';
    case 'integer':
      return String(Math.min(type.max, Math.max(type.min, 1000)));
    case 'enum':
      return Object.keys(type.names)[0] ?? '';
    case 'text':
      return 'x';
    case 'timeval':
      return '1.5';
    case 'linger':
      return '5';
    case 'mask':
      return '0xff';
    case 'bytes':
      return 'ff'.repeat(type.length);
  }
}

const pairs = SOCKET_OPTIONS.flatMap((row) =>
  row.sockets.map((kind) => [row.name, kind, row] as [string, SocketKind, SocketOption]),
);

describe('the option table on real sockets', () => {
  it.each(pairs)('%s on a %s socket', async (name, kind, row) => {
    const libc = await loadLibc();
    let descriptor: Descriptor;
    try {
      descriptor = openForOption(libc, kind, row);
    } catch (error) {
      // A raw socket without privileges, a ping socket where the system does not allow them.
      expect(error).toBeInstanceOf(SocketError);
      expect(['EPERM', 'EACCES']).toContain((error as SocketError).code);
      return;
    }
    try {
      const value = parseOptionValue(row, sample(row));
      try {
        descriptor.set({ option: row, value });
      } catch (error) {
        // Without the capability that the row names it may be refused, and then the error names it too.
        expect(isRoot, String(error)).toBe(false);
        expect(error).toMatchObject({
          code: 'EPERM',
          advice: expect.stringContaining(row.capability ?? 'a capability'),
        });
        return;
      }
      const bytes = descriptor.getsockopt(LEVELS[row.level], row.number);
      const now = bytes === undefined ? undefined : decodeOptionValue(row.type, bytes);
      const judge = IN_EFFECT[name]?.(Number(value)) ?? ((found) => found === value);
      expect(judge(now), `set ${value}, then it is ${now}`).toBe(true);
    } finally {
      descriptor.close();
    }
  });

  it('has defaults for what can be read', async () => {
    const stream = await readDefaults('stream');
    expect(stream.get('TCP_NODELAY')).toBe(0);
    expect(stream.get('IP_TTL')).toBe(64);
    expect(stream.has('UDP_CORK')).toBe(false);
    expect((await readDefaults('datagram')).get('SO_BROADCAST')).toBe(0);
  });
});
