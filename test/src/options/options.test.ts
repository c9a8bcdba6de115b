import { describe, expect, it } from 'vitest';
import { UsageError } from '../../../src/errors.js';
import { checkSettings, inPhase, parseSetting, setting } from '../../../src/options/settings.js';
import { LEVELS, option, SOCKET_OPTIONS, type SocketOption } from '../../../src/options/table.js';
import {
  decodeOptionValue,
  encodeOptionValue,
  formatOptionValue,
  parseOptionValue,
} from '../../../src/options/value.js';

/** A text that each type takes, and one that it refuses. */
function texts({ type }: SocketOption): [string, string] {
  switch (type.kind) {
    case 'flag':
      return ['on', 'maybe'];
    case 'integer':
      return [String(Math.max(type.min, 1)), String(type.max + 1)];
    case 'enum':
      return [Object.keys(type.names)[0] ?? '', 'frob'];
    case 'text':
      return ['x', 'x'.repeat(type.max + 1)];
    case 'timeval':
      return ['1.5', '-1'];
    case 'linger':
      return ['5', 'soon'];
    case 'mask':
      return ['0xff', '0x1ffffffff'];
    case 'bytes':
      return ['0f'.repeat(type.length), '0f'];
  }
}

describe.each(SOCKET_OPTIONS.map((row) => [row.name, row] as const))('%s', (name, row) => {
  const [good, bad] = texts(row);

  it('takes a value, gives it back, and refuses a bad one', () => {
    const value = parseOptionValue(row, good);
    expect(decodeOptionValue(row.type, encodeOptionValue(row.type, value))).toBe(value);
    expect(parseOptionValue(row, formatOptionValue(row.type, value))).toBe(value);
    expect(() => parseOptionValue(row, bad)).toThrow(UsageError);
    expect(parseSetting(`${name}=${good}`)).toEqual({ option: row, value });
  });

  it('has a level, a summary and at least one kind of socket', () => {
    expect(LEVELS[row.level]).toBeTypeOf('number');
    expect(row.summary).toMatch(/^[A-Z].*\.$/);
    expect(row.sockets.length).toBeGreaterThan(0);
  });
});

describe('settings', () => {
  it('have names once, and numbers once in a level', () => {
    expect(new Set(SOCKET_OPTIONS.map(({ name }) => name)).size).toBe(SOCKET_OPTIONS.length);
    expect(new Set(SOCKET_OPTIONS.map(({ level, number }) => `${level}:${number}`)).size).toBe(SOCKET_OPTIONS.length);
  });

  it('read sizes and flags as people write them', () => {
    expect(parseSetting('SO_RCVBUF=4M').value).toBe(4 << 20);
    expect(parseSetting('SO_SNDBUF=64k').value).toBe(65_536);
    expect(parseSetting('TCP_NODELAY').value).toBe(1);
    expect(parseSetting('TCP_NODELAY=off').value).toBe(0);
    expect(parseSetting('SO_LINGER=off').value).toBe(-1);
    expect(parseSetting('IP_MTU_DISCOVER=do').value).toBe(2);
  });

  it('suggest the name that was meant', () => {
    expect(() => parseSetting('so_rcvbuf=1')).toThrow(/no socket option is called 'so_rcvbuf'/);
    try {
      parseSetting('RCVBUF=1');
    } catch (error) {
      expect((error as UsageError).advice).toContain('SO_RCVBUF');
    }
    expect(() => parseSetting('SO_RCVBUF')).toThrow(/no value given, it takes a number of bytes/);
  });

  it('are refused on sockets of another kind, and sorted by phase', () => {
    expect(() => checkSettings([setting('TCP_NODELAY', true)], 'datagram')).toThrow(
      /not an option of a datagram socket/,
    );
    const all = [setting('TCP_NODELAY', true), setting('SO_REUSEADDR', true), setting('IP_TTL', 3)];
    expect(inPhase(all, 'bind').map((s) => s.option.name)).toEqual(['SO_REUSEADDR']);
    expect(inPhase(all, 'connect').map((s) => s.option.name)).toEqual(['TCP_NODELAY', 'IP_TTL']);
    expect(() => option('SO_FROB')).toThrow(RangeError);
  });
});
