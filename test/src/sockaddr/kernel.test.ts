/** struct sockaddr against the kernel: what bind(2) takes and getsockname(2) gives back. */
import { rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { endpointKey, formatEndpoint, inetEndpoint, type SocketAddress } from '../../../src/sockaddr/endpoint.js';
import { parseIP } from '../../../src/sockaddr/ip.js';
import { linkEndpoint } from '../../../src/sockaddr/link-layer.js';
import { AddressFamily, decodeSocketAddress, encodeSockaddr } from '../../../src/sockaddr/struct.js';
import { type UnixEndpoint, unixEndpoint } from '../../../src/sockaddr/unix.js';
import { hostLibc } from '../../hosts/libc.js';
import { hasIPv6, isRoot } from '../../hosts/machine.js';

const libc = await hostLibc();

/** Gives the kernel `address` and reads what it says the socket's address is. */
function bound(address: SocketAddress, family: number): SocketAddress | undefined {
  if (typeof libc === 'string') return undefined;
  const name = libc.bound(family, encodeSockaddr(address));
  if (name === undefined) throw new Error(`the kernel refuses ${formatEndpoint(address)}`);
  // The kernel gives a path back with its zero byte even where sun_path has no room for it.
  return decodeSocketAddress(name, name.length);
}

describe.skipIf(typeof libc === 'string')(`the kernel${typeof libc === 'string' ? ` (${libc})` : ''}`, () => {
  const id = `sockctl-kernel-${process.pid}`;

  it('binds IPv4 and IPv6 addresses', (ctx) => {
    const ipv4 = bound(inetEndpoint(parseIP('127.0.0.9'), 0), AddressFamily.AF_INET);
    expect(ipv4 !== undefined && 'port' in ipv4 ? [ipv4.address.toString(), ipv4.port > 0] : []).toEqual([
      '127.0.0.9',
      true,
    ]);
    if (!hasIPv6) ctx.skip('no IPv6 here');
    const ipv6 = bound(inetEndpoint(parseIP('::1'), 0), AddressFamily.AF_INET6);
    expect(ipv6 !== undefined && 'port' in ipv6 ? ipv6.address.toString() : '').toBe('::1');
  });

  const names: [string, UnixEndpoint][] = [
    ['a path', unixEndpoint(`/tmp/${id}`)],
    ['a path that is no UTF-8', unixEndpoint(`/tmp/${id}\\xff\\x80`)],
    ['a path that fills sun_path', unixEndpoint(`/tmp/${id}`.padEnd(108, 'x'))],
    ['an abstract name', unixEndpoint(`@${id}`)],
    ['an abstract name with zero bytes at either end', unixEndpoint(`@\\x00${id}\\xff\\x00`)],
    ['an abstract name that fills sun_path', unixEndpoint(`@${id.padEnd(107, 'x')}`)],
  ];
  it.each(names)('binds %s', (_, endpoint) => {
    try {
      const back = bound(endpoint, AddressFamily.AF_UNIX);
      expect(back === undefined ? undefined : endpointKey(back)).toBe(endpoint.key);
    } finally {
      if (endpoint.kind === 'path') rmSync(Buffer.from(endpoint.toBytes()), { force: true });
    }
  });

  it('binds a socket to the loopback interface, and says its name, type and address', (ctx) => {
    if (!isRoot) ctx.skip('packet sockets need root or CAP_NET_RAW');
    const back = bound(linkEndpoint({ name: 'lo', protocol: 0x88b5 }), AddressFamily.AF_PACKET);
    // ARPHRD_LOOPBACK is 772; the address of lo is six zero bytes.
    expect(back).toMatchObject({ family: 'link', index: 1, name: 'lo', protocol: 0x88b5, hardwareType: 772 });
    expect(back === undefined ? undefined : formatEndpoint(back)).toBe('link:lo/00:00:00:00:00:00');
  });
});
