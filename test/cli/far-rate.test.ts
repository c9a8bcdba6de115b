import { describe, expect, it } from 'vitest';
import { checkFarRate } from '../../cli/args/far-rate.js';
import { parseIP } from '../../src/sockaddr/ip.js';
import { parsePrefix } from '../../src/sockaddr/prefix.js';
import { attachedNetworks } from '../../src/socket/attached.js';

const networks = attachedNetworks({ eth0: [{ cidr: '192.0.2.9/24' } as never] });
const check = (perSecond: number, yes?: boolean) => () =>
  checkFarRate({ flag: '--flood', perSecond, yes }, [parsePrefix('192.0.2.0/25'), parseIP('198.51.100.1')], networks);

describe('many packets a second', () => {
  it('need --yes when one goes far', () => {
    expect(check(1001)).toThrow('--flood: 198.51.100.1 is on no network of this machine');
    expect(check(Number.POSITIVE_INFINITY)).toThrow('1000 packets a second');
    expect(check(1001, true)).not.toThrow();
    expect(check(1000)).not.toThrow();
  });

  it('are nobody else’s business when all stay near', () => {
    const near = [parseIP('127.0.0.1'), parseIP('192.0.2.200'), parsePrefix('192.0.2.0/24')];
    expect(() => checkFarRate({ flag: '--rate', perSecond: 1e6, yes: undefined }, near, networks)).not.toThrow();
    const block = [parsePrefix('192.0.2.0/23')];
    expect(() => checkFarRate({ flag: '--rate', perSecond: 1e6, yes: false }, block, networks)).toThrow('192.0.2.0/23');
  });
});
