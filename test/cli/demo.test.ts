/** The tour, as a privileged and as an unprivileged user. */
import { describe, expect, it } from 'vitest';
import { isRoot } from '../hosts/machine.js';
import { records, sockctl } from './process.js';

describe('demo', () => {
  it('does every step right', async (ctx) => {
    if (!isRoot) return ctx.skip('pinging and capturing need root');
    const { code, stdout } = await sockctl(['demo', '--json']);
    expect(code).toBe(0);
    const all = records(stdout);
    expect(all.map((record) => [record.name, record.outcome])).toEqual([
      ['stream', 'ok'],
      ['datagram', 'ok'],
      ['raw and capture', 'ok'],
      [undefined, undefined],
    ]);
    expect(all.at(-1)).toMatchObject({ type: 'demo.summary', ok: 3, failed: 0, skipped: 0, endReason: 'eof' });
    // The calls are those of the manual pages, in their order.
    const calls = all[0]?.calls as string[];
    const server = calls.filter((call) => call.startsWith('server'));
    expect(server.map((call) => /^server +(\w+)/.exec(call)?.[1])).toEqual([
      'socket',
      'setsockopt',
      'bind',
      'getsockname',
      'listen',
      'close',
      'accept',
      'shutdown',
      'close',
    ]);
    expect(all[2]?.lines).toEqual(expect.arrayContaining([expect.stringMatching(/IP6 ::1 > ::1: ICMP6, echo reply/)]));
  });

  it('says what is missing without privileges, and does the rest', async (ctx) => {
    if (!isRoot) return ctx.skip('becoming another user needs root');
    const { code, stdout } = await sockctl(['demo'], { uid: 65_534 });
    expect(code).toBe(0);
    const text = stdout.toString();
    expect(text).toContain('[ ok ] 1 of 3');
    expect(text).toContain('[ ok ] 2 of 3');
    expect(text).toMatch(/\[(skip| ok )\] 3 of 3/);
    expect(text).toContain('no capture: ');
    expect(text).toContain('run it with sudo');
  });

  it('does every step right on the portable backend', async (ctx) => {
    if (!isRoot) return ctx.skip('pinging and capturing need root');
    const { code, stdout } = await sockctl(['demo', '--json', '--backend', 'portable']);
    expect(records(stdout).at(-1)).toMatchObject({ ok: 3, failed: 0 });
    expect(code).toBe(0);
  });
});
