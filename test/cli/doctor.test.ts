/** doctor says what is there, and what would give the rest. */
import { describe, expect, it } from 'vitest';
import { isRoot } from '../hosts/machine.js';
import { records, sockctl } from './process.js';

describe('doctor', () => {
  it('finds everything as root', async (ctx) => {
    if (!isRoot) return ctx.skip('it is about root');
    const { code, stdout } = await sockctl(['doctor', '--json']);
    expect(code).toBe(0);
    const checks = records(stdout).filter((record) => record.type === 'doctor.check');
    const there = Object.fromEntries(checks.map(({ name, there }) => [name, there]));
    expect(there).toMatchObject({
      'system calls': true,
      'raw sockets': true,
      'packet sockets': true,
      'ports below 1024': true,
    });
    for (const { there: found, fix } of checks) expect(fix === null).toBe(found);
  });

  it('gives an unprivileged user the commands', async (ctx) => {
    if (!isRoot) return ctx.skip('becoming another user needs root');
    const { code, stdout } = await sockctl(['doctor'], { uid: 65_534 });
    expect(code).toBe(0);
    const text = stdout.toString();
    expect(text).toMatch(/yes {2}IPv4: TCP over IPv4/);
    expect(text).toMatch(
      /no {2}raw sockets: raw ping and raw sniff\n +socket\(AF_INET, SOCK_RAW, IPPROTO_ICMP\): operation not permitted \(EPERM\)\n +fix: sudo setcap/,
    );
    expect(text).toMatch(/no {2}packet sockets: capture\n.*EPERM/);
  });
});
