/** What Node knows of the interfaces, on any system: those that are up and have an address, and little of them. */
import { networkInterfaces } from 'node:os';
import { IPv6Address, parseIP } from '../../sockaddr/ip.js';
import type { InterfaceAddress, InterfaceFacts } from '../interfaces.js';

type NodeAddress = NonNullable<ReturnType<typeof networkInterfaces>[string]>[number];

/** What libuv shows for an interface without a hardware address, and for the loopback interface. */
const NO_HARDWARE = '00:00:00:00:00:00';

export function portableInterfaces(): InterfaceFacts[] {
  return Object.entries(networkInterfaces()).map(([name, addresses = []]) => {
    const mac = addresses[0]?.mac;
    // Of a link-local address Node tells the scope, which is the index of the interface (RFC 4007).
    const index = addresses.find((address) => address.family === 'IPv6' && address.scopeid > 0) as
      | { readonly scopeid: number }
      | undefined;
    return {
      name,
      index: index?.scopeid ?? null,
      // libuv leaves out those that are not.
      state: 'up',
      operState: null,
      flags: null,
      mtu: null,
      hardwareType: null,
      hardwareAddress: mac === undefined || mac === NO_HARDWARE ? null : mac,
      kind: null,
      speedMbps: null,
      master: null,
      link: null,
      alias: null,
      addresses: addresses.map((address) => interfaceAddress(name, address)),
      counters: null,
    };
  });
}

function interfaceAddress(name: string, { address: text, cidr, family }: NodeAddress): InterfaceAddress {
  const address = parseIP(text);
  const scoped = address instanceof IPv6Address;
  return {
    address: address.toString(),
    prefixLength: Number(cidr?.split('/')[1] ?? (scoped ? 128 : 32)),
    family: family === 'IPv6' ? 'ipv6' : 'ipv4',
    // An IPv4 address has the scope that it was given; of an IPv6 address it shows.
    scope: scoped ? (address.isLinkLocal ? 'link' : address.isLoopback ? 'host' : 'global') : null,
    zone: scoped && address.isLinkLocal ? name : null,
    peer: null,
    flags: null,
  };
}
