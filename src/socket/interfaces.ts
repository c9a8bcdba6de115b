/** An interface as a person sees it, whichever backend has looked: null stands for what that one can't know. */
import { readFileSync } from 'node:fs';
import { IPv4Address, IPv6Address } from '../sockaddr/ip.js';
import type { HardwareAddress } from '../sockaddr/link-layer.js';
import type { LinkMonitor } from './native/link-monitor.js';
import type { AddressFacts } from './native/netlink/address.js';
import type { LinkCounters, LinkFacts } from './native/netlink/link.js';

/** Turned off, turned on without a carrier, or ready for packets. */
export type InterfaceState = 'up' | 'no-carrier' | 'down';

export interface InterfaceAddress {
  readonly address: string;
  readonly prefixLength: number;
  readonly family: 'ipv4' | 'ipv6';
  readonly scope: string | null;
  /** The zone (RFC 4007) that the address is written with; null for one that is the same on all links. */
  readonly zone: string | null;
  readonly peer: string | null;
  readonly flags: readonly string[] | null;
}

export interface InterfaceFacts {
  readonly name: string;
  readonly index: number | null;
  readonly state: InterfaceState;
  readonly operState: string | null;
  /** Named as netdevice(7) does, without IFF_. */
  readonly flags: readonly string[] | null;
  readonly mtu: number | null;
  /** ARPHRD_ */
  readonly hardwareType: number | null;
  /** null also for a link that has none. */
  readonly hardwareAddress: string | null;
  /** null also for one that is not virtual, or whose driver does not say. */
  readonly kind: string | null;
  /** Megabits a second; null also for one that has no speed of its own, or is down. */
  readonly speedMbps: number | null;
  /** The bridge or bond that it is a port of. */
  readonly master: string | null;
  /** The interface below it, or the other end of a pair; its name is null when it is in another namespace. */
  readonly link: { readonly index: number; readonly name: string | null } | null;
  readonly alias: string | null;
  readonly addresses: readonly InterfaceAddress[];
  readonly counters: LinkCounters | null;
}

type Links = ReadonlyMap<number, LinkFacts>;

/** Everything that the monitor knows, in the order of the indices. */
export function monitoredInterfaces({ links, addresses }: LinkMonitor): InterfaceFacts[] {
  const byIndex = new Map<number, AddressFacts[]>();
  for (const address of addresses()) {
    const others = byIndex.get(address.index);
    if (others === undefined) byIndex.set(address.index, [address]);
    else others.push(address);
  }
  return [...links.values()]
    .sort((a, b) => a.index - b.index)
    .map((link) => facts(link, links, byIndex.get(link.index)));
}

function facts(link: LinkFacts, links: Links, addresses: readonly AddressFacts[] = []): InterfaceFacts {
  const { name, index, operState, flags, mtu, hardwareType, kind, alias, counters } = link;
  const below = link.linkElsewhere || link.link === undefined ? undefined : links.get(link.link);
  return {
    name,
    index,
    state: interfaceState(link),
    operState,
    flags,
    mtu,
    hardwareType,
    hardwareAddress: hardwareAddressText(link),
    kind: kind ?? null,
    speedMbps: speed(link),
    master: masterName(link, links),
    link: link.link === undefined ? null : { index: link.link, name: below?.name ?? null },
    alias: alias ?? null,
    addresses: addresses.map((address) => interfaceAddress(address, name)),
    counters: counters ?? null,
  };
}

export function interfaceState({ up, flags }: LinkFacts): InterfaceState {
  return up ? 'up' : flags.includes('UP') ? 'no-carrier' : 'down';
}

/** @param name of the interface that has it */
export function interfaceAddress(facts: AddressFacts, name: string): InterfaceAddress {
  const { address, prefixLength, scope, peer, flags } = facts;
  return {
    address: address.toString(),
    prefixLength,
    family: address.family,
    scope,
    zone: address.family === 'ipv6' && address.isLinkLocal ? name : null,
    peer: peer?.toString() ?? null,
    flags,
  };
}

export function masterName({ master }: LinkFacts, links: Links): string | null {
  return master === undefined ? null : (links.get(master)?.name ?? String(master));
}

/** ARPHRD_ numbers of the tunnels whose hardware address is the IP address of their own end, by its length. */
const IP_TUNNELS: Readonly<Record<number, readonly number[]>> = { 4: [768, 776, 778], 16: [769, 823] };

/** The address on the link; that of a tunnel through IP is an IP address. */
export function hardwareAddressText({ address, hardwareType }: LinkFacts): string | null {
  if (address === undefined) return null;
  return ipText(address, hardwareType) ?? address.toString();
}

function ipText(address: HardwareAddress, hardwareType: number): string | undefined {
  if (IP_TUNNELS[address.length]?.includes(hardwareType) !== true) return undefined;
  const bytes = address.toBytes();
  return (bytes.length === 4 ? IPv4Address.fromBytes(bytes) : IPv6Address.fromBytes(bytes)).toString();
}

/**
 * What the driver says (sysfs-class-net). Where /sys shows another network namespace, as it does when only the namespace
 * was changed, the file of that name may be another interface's.
 */
function speed({ name, index, address }: LinkFacts): number | null {
  const file = (field: string) => readFileSync(`/sys/class/net/${name}/${field}`, 'latin1').trim();
  try {
    if (Number(file('ifindex')) !== index || file('address') !== (address?.toString() ?? '')) return null;
    const found = Number(file('speed'));
    return found > 0 ? found : null;
  } catch {
    // Down, without a speed of its own, or gone by now.
    return null;
  }
}
