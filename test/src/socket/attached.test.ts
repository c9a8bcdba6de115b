import { networkInterfaces } from 'node:os';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IPv4Address, parseIP } from '../../../src/sockaddr/ip.js';
import { parsePrefix } from '../../../src/sockaddr/prefix.js';
import { attachedNetworks } from '../../../src/socket/attached.js';

const address = (cidr: string) => ({ cidr }) as never;
const networks = attachedNetworks({
  lo: [address('127.0.0.1/8'), address('::1/128')],
  eth0: [address('192.0.2.9/24'), address('2001:db8:1::9/64'), address('fe80::1/64')],
  tun0: [address('198.51.100.4/32')],
  gone: undefined,
});

describe('attached networks', () => {
  it.for([
    '127.0.0.1',
    '127.9.9.9',
    '::1',
    '0.0.0.0',
    '::',
    '192.0.2.9',
    '192.0.2.200',
    '192.0.2.255',
    '198.51.100.4',
    '169.254.3.4',
    '224.0.0.1',
    '255.255.255.255',
    '2001:db8:1::1234',
    'fe80::2%eth0',
    'ff02::1%eth0',
    'ff01::1',
  ])('%s is near', (text) => {
    expect(networks.has(parseIP(text))).toBe(true);
  });

  it.for([
    '192.0.3.1',
    '198.51.100.5',
    '8.8.8.8',
    '239.1.2.3',
    '2001:db8:2::1',
    'ff05::2',
    'ff0e::1',
    '::ffff:1.2.3.4',
  ])('%s is not', (text) => {
    expect(networks.has(parseIP(text))).toBe(false);
  });

  it('takes a block only as a whole', () => {
    expect(networks.hasAll(parsePrefix('192.0.2.128/25'))).toBe(true);
    expect(networks.hasAll(parsePrefix('192.0.2.0/23'))).toBe(false);
    expect(networks.hasAll(parsePrefix('2001:db8:1::/64'))).toBe(true);
    expect(networks.hasAll(parsePrefix('2001:db8:1::/63'))).toBe(false);
    expect(networks.hasAll(parsePrefix('ff02::/16'))).toBe(true);
    expect(networks.hasAll(parsePrefix('ff00::/8'))).toBe(false);
    expect(networks.hasAll(parsePrefix('0.0.0.0/0'))).toBe(false);
  });

  it('says of each address what the networks say', () => {
    const network = parsePrefix('192.0.2.0/24');
    const alone = attachedNetworks({ eth0: [address('192.0.2.1/24')] });
    fc.assert(
      fc.property(fc.integer({ min: 0xc0000000, max: 0xc000ffff }), (value) => {
        const ip = new IPv4Address(value);
        expect(alone.has(ip)).toBe(network.contains(ip));
      }),
    );
  });

  it('knows the addresses of this machine', () => {
    const here = attachedNetworks();
    for (const { address: text } of Object.values(networkInterfaces()).flatMap((all) => all ?? [])) {
      expect(here.has(parseIP(text)), text).toBe(true);
    }
  });
});
