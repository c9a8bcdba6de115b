import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { strftime } from '../../../../capture/sinks/file/strftime.js';
import { UsageError } from '../../../../src/errors.js';
import { hasCommand } from '../../../hosts/machine.js';

/** What date(1) makes of a NUL-free format, in this process's time zone. */
function byDate(format: string, seconds: readonly number[]): string[] {
  const input = seconds.map((second) => `@${second}\n`).join('');
  const env = { ...process.env, LC_ALL: 'C' };
  const options = { input, encoding: 'utf8', env } as const;
  return execFileSync('date', ['-f', '-', `+${format}`], options)
    .split('\n')
    .slice(0, -1);
}

const ALL = [...'aAbBcCdDeFgGhHIjklmMpPrRsSTuUVwWxXyYz%'];

describe('strftime', () => {
  test.skipIf(!hasCommand('date')).each(['UTC', 'Europe/Berlin', 'America/St_Johns', 'Pacific/Kiritimati'])(
    'is what date(1) says, in %s (skipped without date)',
    (zone) => {
      const before = process.env.TZ;
      process.env.TZ = zone;
      try {
        const years = Array.from({ length: 60 }, (_, year) => Date.UTC(1990 + year, 0, 1) / 1000);
        const days = years.flatMap((start) =>
          [-4, -3, -2, -1, 0, 1, 2, 3, 4, 59, 60].map((day) => start + day * 86_400),
        );
        const random = fc.sample(fc.integer({ min: 0, max: 4_000_000_000 }), 200);
        const seconds = [...days, ...random];
        const format = ALL.map((letter) => `%${letter}`).join('|');
        expect(seconds.map((second) => strftime(format, new Date(second * 1000)))).toEqual(byDate(format, seconds));
      } finally {
        if (before === undefined) delete process.env.TZ;
        else process.env.TZ = before;
      }
    },
  );

  test('other forms of a locale are those of the C locale, and text stays', () => {
    const time = new Date(2026, 1, 3, 4, 5, 6);
    expect(strftime('a/%Ey-%Om.é', time)).toBe('a/26-02.é');
  });

  test.each(['x%', 'x%Q', 'x%Z', 'x%-d'])('%s is no time', (format) => {
    expect(() => strftime(format, new Date())).toThrow(UsageError);
  });
});
