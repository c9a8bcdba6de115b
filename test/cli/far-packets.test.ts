import { describe, expect, it } from 'vitest';
import { FarPackets } from '../../cli/args/far-packets.js';
import { parseIP } from '../../src/sockaddr/ip.js';
import { attachedNetworks } from '../../src/socket/attached.js';

const networks = attachedNetworks({ eth0: [{ cidr: '192.0.2.9/24' } as never] });
const FAR = [parseIP('198.51.100.1')];
const LENGTH = 60;
const capture = { kind: 'capture', speed: 1, maxGapMs: 1000 } as const;

describe('packets that become known one by one', () => {
  it('may go far a thousand times in any second', () => {
    const far = new FarPackets(capture, networks);
    for (let i = 0; i < 1000; i++) far.check(FAR, LENGTH, i * 0.9, i + 1);
    expect(() => far.check(FAR, LENGTH, 999.9, 1001)).toThrow(
      'packet 1001: more than 1000 packets a second, and 198.51.100.1',
    );
    far.check(FAR, LENGTH, 1000, 1002);
    expect(() => far.check(FAR, LENGTH, 1000.5, 1003)).toThrow('packet 1003');
    far.check(FAR, LENGTH, 1000.9, 1004);
  });

  it('are not counted where they stay near, or go through no router', () => {
    const far = new FarPackets({ kind: 'topspeed' }, networks);
    const near = [['127.0.0.1'], ['192.0.2.200'], ['fe80::1', '192.0.2.7'], []].map((all) =>
      all.map((one) => parseIP(one)),
    );
    for (let i = 0; i < 5000; i++) far.check(near[i % 4] ?? [], LENGTH, 0, i + 1);
  });

  it.each([
    [{ kind: 'topspeed' } as const, '--topspeed'],
    [{ kind: 'packets', perSecond: 1001 } as const, '--rate'],
    [{ kind: 'bits', perSecond: 1001 * 8 * LENGTH } as const, '--rate, packets of 60 bytes'],
  ])('may not go far at all at %j', (pace, flag) => {
    const far = new FarPackets(pace, networks);
    far.check([parseIP('192.0.2.1')], LENGTH, 0, 1);
    expect(() => far.check(FAR, LENGTH, 0, 2)).toThrow(`${flag}: 198.51.100.1 is on no network of this machine`);
  });

  it('may go far at a rate that is allowed, however late they are', () => {
    const far = new FarPackets({ kind: 'packets', perSecond: 1000 }, networks);
    for (let i = 0; i < 3000; i++) far.check(FAR, LENGTH, i, i + 1);
  });

  it('of growing smaller at a rate in bits may go far a thousand times in any second', () => {
    const far = new FarPackets({ kind: 'bits', perSecond: 8 * 1000 * LENGTH }, networks);
    far.check(FAR, LENGTH, 0, 1);
    for (let i = 1; i < 1000; i++) far.check(FAR, LENGTH / 2, 0.5 + i / 2, i + 1);
    expect(() => far.check(FAR, LENGTH / 2, 500.5, 1001)).toThrow('packet 1001: more than 1000 packets a second');
  });

  it('go far when one of the stations of their way is', () => {
    const far = new FarPackets({ kind: 'topspeed' }, networks);
    expect(() => far.check([parseIP('192.0.2.1'), ...FAR], LENGTH, 0, 1)).toThrow('198.51.100.1 is on no network');
  });
});
