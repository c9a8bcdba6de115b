import { describe, expect, it } from 'vitest';
import { UsageError } from '../../../../src/errors.js';
import { setting } from '../../../../src/options/settings.js';
import { unreachableMark } from '../../../../src/raw/trace/marks.js';
import type { TraceOptions } from '../../../../src/raw/trace/options.js';
import { planOf } from '../../../../src/raw/trace/plan.js';
import { parseIP } from '../../../../src/sockaddr/ip.js';

const plan = (asked: Partial<TraceOptions>, family: 'ipv4' | 'ipv6' = 'ipv4') => planOf(family, asked as TraceOptions);

describe('what is asked for', () => {
  it.each<[Partial<TraceOptions>, RegExp]>([
    [{ multipath: 'dublin' }, /^multipath: dublin is a strategy of UDP, not of ICMP/],
    [{ port: 80 }, /^port: ICMP has no ports/],
    [{ protocol: 'icmp', sourcePort: 80 }, /^source port: ICMP has no ports/],
    [{ protocol: 'udp', port: 0 }, /^port: 0 is no whole number from 1 to 65535/],
    [{ firstHop: 0 }, /^first hop: 0 is no/],
    [{ firstHop: 9, maxHops: 8 }, /^first hop: 9 is behind the last one, 8/],
    [{ maxHops: 256 }, /^max hops: 256/],
    [{ queries: 1.5 }, /^queries: 1.5/],
    [{ flows: 65 }, /^flows: 65 is no whole number from 1 to 64/],
    [{ protocol: 'udp', flows: 9, sourcePort: 65_530 }, /^source port: 9 flows do not fit behind 65530/],
    [{ timeoutMs: 0 }, /^timeout: 0 is not from 1/],
    [{ timeoutMs: Number.NaN }, /^timeout: NaN/],
    [{ intervalMs: Number.POSITIVE_INFINITY }, /^interval: Infinity/],
    [{ rounds: 0 }, /^rounds: 0/],
    [{ gap: 0 }, /^gap: 0/],
    [{ window: 0 }, /^window: 0/],
    [{ trafficClass: 256 }, /^traffic class: 256/],
    [{ packetSize: 35 }, /^packet size: 35 is no whole number from 36 to 65535/],
    [{ source: parseIP('::1') }, /^source: ::1 is IPv6, the target is IPv4/],
    [{ settings: [setting('IP_TOS', 8)] }, /^IP_TOS: a trace writes this field/],
    [{ settings: [setting('IPV6_UNICAST_HOPS', 8)] }, /^IPV6_UNICAST_HOPS: a trace writes/],
  ])('%o is wrong', (asked, message) => {
    expect(() => plan(asked)).toThrow(UsageError);
    expect(() => plan(asked)).toThrow(message);
  });

  it('what is left out is as traceroute has it', () => {
    expect(plan({})).toMatchObject({
      protocol: 'icmp',
      multipath: 'paris',
      firstHop: 1,
      maxHops: 30,
      queries: 3,
      packetSize: 60,
    });
    expect(plan({}, 'ipv6')).toMatchObject({ packetSize: 80, payloadLength: 32 });
    expect(plan({ protocol: 'udp' })).toMatchObject({ port: 33_434, payloadLength: 32 });
    expect(plan({ protocol: 'tcp' })).toMatchObject({ port: 80, packetSize: 40, payloadLength: 0 });
    expect(plan({ rounds: 10 })).toMatchObject({ queries: 1 });
    expect(plan({ flows: 4 })).toMatchObject({ queries: 1 });
    expect(plan({ rounds: Number.POSITIVE_INFINITY }).rounds).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('marks', () => {
  it('are those of traceroute', () => {
    const ipv4 = (code: number, mtu?: number) => unreachableMark('ipv4', 3, code, mtu);
    expect([0, 1, 2, 3, 9, 10, 13, 99].map((code) => ipv4(code))).toEqual([
      '!N',
      '!H',
      '!P',
      '!p',
      '!A',
      '!Z',
      '!X',
      '!<99>',
    ]);
    expect([ipv4(4), ipv4(4, 0), ipv4(4, 1280)]).toEqual(['!F', '!F', '!F-1280']);
    const ipv6 = (type: number, code: number, mtu?: number) => unreachableMark('ipv6', type, code, mtu);
    expect([ipv6(1, 0), ipv6(1, 1), ipv6(1, 3), ipv6(1, 4), ipv6(2, 0, 1300), ipv6(3, 0)]).toEqual([
      '!N',
      '!X',
      '!H',
      '!p',
      '!F-1300',
      null,
    ]);
    expect(unreachableMark('ipv4', 11, 0)).toBeNull();
  });
});
