import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../../src/errors.js';
import { levelNumber, SOCKET_KINDS } from '../../../src/options/row.js';
import { checkSettings, inPhase, parseSetting, setting } from '../../../src/options/settings.js';
import { findLevel, option, SOCKET_OPTIONS } from '../../../src/options/table.js';
import { sample } from '../../contract/option-samples.js';

/** Texts near to what types take, and any others. */
const anyText = fc.oneof(
  fc.string(),
  fc.string({ unit: fc.constantFrom(...'0123456789abcdefx.:,@+-/kKmMgG sonethpqw') }),
  fc.integer().map(String),
  fc.constantFrom(...SOCKET_OPTIONS.map(sample)),
);

describe.each(SOCKET_OPTIONS.map((row) => [row.name, row] as const))('%s', (name, row) => {
  it('has a level, a summary, a manual page and at least one kind of socket', () => {
    expect(levelNumber(row.level)).toBeTypeOf('number');
    expect(row.summary).toMatch(/^[A-Z].*\.$/);
    expect(row.summary.length).toBeLessThan(100);
    expect(row.manual).not.toBe('');
    expect(row.type.describe).not.toBe('');
    expect(row.readable || row.writable).toBe(true);
    expect(row.sockets.length).toBeGreaterThan(0);
    for (const text of row.requires ?? []) expect(parseSetting(text).option).toBeDefined();
  });

  it('takes a value and gives it back, in text and in bytes', () => {
    if (!row.writable) {
      expect(() => parseSetting(`${name}=1`)).toThrow(/can only be read/);
      return;
    }
    const { value } = parseSetting(`${name}=${sample(row)}`);
    expect(row.type.parse(row.type.format(value))).toBe(value);
    const bytes = row.type.encode(value);
    expect(bytes.length).toBeGreaterThan(0);
    if (row.readable && row.type.kind !== 'interface') expect(row.type.decode(bytes)).toBe(value);
  });

  it('survives any text and any bytes', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const value = row.type.parse(text);
        if (value === undefined) return;
        // Canonical: what is printed is read as the same.
        expect(row.type.parse(row.type.format(value))).toBe(value);
      }),
      { numRuns: 200 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const value = row.type.decode(bytes);
        if (value !== undefined) expect(row.type.format(value)).toBeTypeOf('string');
      }),
      { numRuns: 100 },
    );
    fc.assert(
      fc.property(anyText, (text) => {
        try {
          parseSetting(`${name}=${text}`);
        } catch (error) {
          expect(error).toBeInstanceOf(UsageError);
          expect((error as Error).message).not.toMatch(/\n/);
        }
      }),
      { numRuns: 50 },
    );
  });
});

describe('the table', () => {
  it('has names once, and numbers once in a level', () => {
    expect(new Set(SOCKET_OPTIONS.map(({ name }) => name)).size).toBe(SOCKET_OPTIONS.length);
    expect(new Set(SOCKET_OPTIONS.map(({ level, number }) => `${level}:${number}`)).size).toBe(SOCKET_OPTIONS.length);
    expect(() => option('SO_FROB')).toThrow(RangeError);
  });

  it('finds levels by each of their names', () => {
    expect([findLevel('SOL_SOCKET'), findLevel('sol_tcp'), findLevel('IPPROTO_UDP'), findLevel('41')]).toEqual([
      'SOL_SOCKET',
      'IPPROTO_TCP',
      'IPPROTO_UDP',
      41,
    ]);
    expect([findLevel('SOL_FROB'), findLevel(''), findLevel('-1')]).toEqual([undefined, undefined, undefined]);
  });
});

describe('settings', () => {
  it.each([
    ['SO_RCVBUF=4M', 4 << 20],
    ['SO_SNDBUF=64k', 65_536],
    ['TCP_NODELAY', 1],
    ['TCP_NODELAY=off', 0],
    ['SO_LINGER=off', -1],
    ['IP_MTU_DISCOVER=do', 2],
    ['IP_TOS=ef', 0xb8],
    ['IP_TOS=af41+ect0', 0x8a],
    ['IP_TOS=CS6', 0xc0],
    ['IP_TOS=0x10', 16],
    ['IPV6_TCLASS=le+ce', 7],
    ['TCP_KEEPIDLE=2m', 120],
    ['TCP_USER_TIMEOUT=1.5s', 1500],
    ['SO_RCVTIMEO=200ms', 0.2],
    ['SO_BUSY_POLL=50us', 50],
    ['SO_TIMESTAMPING=rx-software+opt-id', 136],
    ['IP_ADD_MEMBERSHIP=239.1.2.3@eth0', '239.1.2.3@eth0'],
    ['IPV6_ADD_MEMBERSHIP=FF02:0::FB', 'ff02::fb'],
    ['PACKET_FANOUT=lb+defrag:7', 0x8001_0007],
    ['PACKET_ADD_MEMBERSHIP=multicast:01-00-5E-00-00-01@eth0', 'multicast:01:00:5e:00:00:01@eth0'],
    ['PACKET_RX_RING=1Mx32', '1048576x32'],
    ['IP_LOCAL_PORT_RANGE=40000-40100', '40000-40100'],
    ['SO_ATTACH_FILTER=2,40 0 0 12,6 0 0 65535', '2,40 0 0 12,6 0 0 65535'],
    ['SO_MAX_PACING_RATE=1000000', '1000000'],
    ['SOL_SOCKET:70=0x10', 16],
    ['255:1=hex:DEADbeef', 'hex:deadbeef'],
    ['IPPROTO_TCP:13=text:reno', 'text:reno'],
  ])('reads %s', (text, value) => {
    expect(parseSetting(text).value).toBe(value);
  });

  it.each([
    ['so_rcvbuf=1', /no socket option is called 'so_rcvbuf'/, /did you mean SO_RCVBUF/],
    ['RCVBUF=1', /no socket option is called 'RCVBUF'/, /SO_RCVBUF/],
    ['SO_RCVBUF', /no value given, it takes a number of bytes/, /receive buffer/],
    ['SO_TYPE=1', /can only be read/, /--print-options/],
    ['IP_TOS=af44', /'af44' given, it takes a code point such as ef/, /DSCP/],
    ['IP_ADD_MEMBERSHIP=192.0.2.1', /it takes a group such as 239/, /multicast/],
    ['SO_ATTACH_FILTER=2,6 0 0 0', /it takes a BPF program/, /BPF/],
    ['FROB:1=2', /'FROB' is no level/, /LEVEL:NUMBER=VALUE/],
    ['SOL_SOCKET:x=2', /'x' is no option number/, /LEVEL:NUMBER=VALUE/],
    ['SOL_SOCKET:1:2=2', /no option number|no level/, /LEVEL:NUMBER=VALUE/],
    ['SOL_SOCKET:70=lots', /it takes a C int such as 5/, /no table/],
    ['SOL_SOCKET:70', /no value given/, /no table/],
  ])('refuses %s with what it takes', (text, message, advice) => {
    let thrown: unknown;
    try {
      parseSetting(text);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(UsageError);
    expect(thrown).toMatchObject({ code: 'BAD_OPTION', message: expect.stringMatching(message) });
    expect((thrown as UsageError).advice).toMatch(advice);
  });

  it('survive any text', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.tuple(fc.string(), fc.string()).map((parts) => parts.join(':')),
        ),
        (text) => {
          try {
            parseSetting(text);
          } catch (error) {
            expect(error).toBeInstanceOf(UsageError);
          }
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('are refused on sockets of another kind, and sorted by phase', () => {
    expect(() => checkSettings([setting('TCP_NODELAY', true)], 'datagram')).toThrow(
      /not an option of a datagram socket/,
    );
    for (const kind of SOCKET_KINDS) expect(() => checkSettings([parseSetting('1:2=3')], kind)).not.toThrow();
    const all = ['TCP_NODELAY', 'SO_REUSEADDR', 'IP_TTL=3', 'TCP_ULP=tls'].map(parseSetting);
    const names = (moment: 'bind' | 'connect' | 'connected') => inPhase(all, moment).map((s) => s.option.name);
    expect([names('bind'), names('connect'), names('connected')]).toEqual([
      ['SO_REUSEADDR'],
      ['TCP_NODELAY', 'IP_TTL'],
      ['TCP_ULP'],
    ]);
  });
});
