/** Tests for addresses: of IP, of ARP, of links, of DECnet. */
import type { Protocol } from '../syntax/keywords.js';
import type { Direction } from '../syntax/tree.js';
import { ALWAYS, and, bytesEqual, type Condition, equals, field, hasAny, not, or } from './condition.js';
import type { LinkState } from './link-state.js';
import { Ether } from './numbers.js';
import { carries } from './payload-type.js';

/** `test` for the source, the destination, both or either, as the words before the address say. */
function inDirection(
  state: LinkState,
  direction: Direction | undefined,
  test: (place: 'source' | 'destination') => Condition,
): Condition {
  switch (direction) {
    case 'src':
      return test('source');
    case 'dst':
      return test('destination');
    case 'src and dst':
      return and(test('source'), test('destination'));
    case undefined:
    case 'src or dst':
      return or(test('source'), test('destination'));
    default:
      throw state.fail(
        `'${direction}' is about hardware addresses of IEEE 802.11`,
        'write wlan before it, and a hardware address',
      );
  }
}

const IPV4_PLACES = { source: 12, destination: 16 } as const;
/** Protocol addresses of sender and target, RFC 826. */
const ARP_PLACES = { source: 14, destination: 24 } as const;
const IPV6_PLACES = { source: 8, destination: 24 } as const;

/**
 * Whether an IPv4 address is within a network, in IP and in ARP.
 *
 * @param address and `mask`: 32 bits, host bits of the address clear
 */
export function ipv4Host(
  state: LinkState,
  protocol: Protocol | undefined,
  direction: Direction | undefined,
  address: number,
  mask: number,
): Condition {
  const within = (type: number, places: typeof IPV4_PLACES | typeof ARP_PLACES): Condition =>
    and(
      carries(state, type),
      inDirection(state, direction, (place) => masked(state.networkHeader, places[place], address, mask)),
    );
  switch (protocol) {
    case undefined:
      // Behind MPLS nothing but IP can be told.
      if (state.mplsDepth > 0) return within(Ether.ip, IPV4_PLACES);
      return or(within(Ether.ip, IPV4_PLACES), within(Ether.arp, ARP_PLACES), within(Ether.rarp, ARP_PLACES));
    case 'ip':
      return within(Ether.ip, IPV4_PLACES);
    case 'arp':
      return within(Ether.arp, ARP_PLACES);
    case 'rarp':
      return within(Ether.rarp, ARP_PLACES);
    default:
      throw notOf(state, protocol, 'an IPv4 address', 'ip, arp or rarp');
  }
}

function masked(base: LinkState['payload'], offset: number, value: number, mask: number): Condition {
  return equals(field(base, offset, 4), value, mask);
}

/** @param address and `mask`: 16 bytes each, host bits of the address clear */
export function ipv6Host(
  state: LinkState,
  protocol: Protocol | undefined,
  direction: Direction | undefined,
  address: Uint8Array,
  mask: Uint8Array,
): Condition {
  if (protocol !== undefined && protocol !== 'ip6') throw notOf(state, protocol, 'an IPv6 address', 'ip6');
  const [values, masks] = [words(address), words(mask)];
  const test = (place: 'source' | 'destination'): Condition => {
    const at = (i: number) => IPV6_PLACES[place] + 4 * i;
    return and(...values.map((value, i) => masked(state.networkHeader, at(i), value, masks[i] as number)));
  };
  return and(carries(state, Ether.ip6), inDirection(state, direction, test));
}

function words(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return [0, 4, 8, 12].map((at) => view.getUint32(at));
}

function notOf(state: LinkState, protocol: Protocol, what: string, expected: string) {
  return state.fail(`'${protocol}' has no hosts that are ${what}`, `write ${expected} before it, or nothing`);
}

/** A node of DECnet: six bits of its area and ten of its own, in the order of the least significant byte first. */
export function decnetHost(state: LinkState, direction: Direction | undefined, area: number, node: number): Condition {
  const address = (area << 10) | node;
  const wire = ((address & 0xff) << 8) | (address >> 8);
  const base = state.networkHeader;
  const test = (place: 'source' | 'destination'): Condition => {
    const [short, long] = place === 'destination' ? [1, 7] : [3, 15];
    const header = (flags: number, padded: boolean, offset: number) =>
      and(
        padded ? equals(field(base, 2, 2), 0x8100 | flags, 0xff07) : equals(field(base, 2, 1), flags, 0x07),
        equals(field(base, 2 + (padded ? 1 : 0) + offset, 2), wire),
      );
    // Long and short headers, behind a byte of padding or at once.
    return or(
      header(0x02, false, short),
      header(0x02, true, short),
      header(0x06, false, long),
      header(0x06, true, long),
    );
  };
  return and(carries(state, Ether.decnet), inDirection(state, direction, test));
}

/** Whether the link's header has a hardware address of six bytes. */
export function hardwareHost(
  state: LinkState,
  direction: Direction | undefined,
  address: Uint8Array,
  word: string,
): Condition {
  if (state.layout.scheme === 'wireless') return wirelessHost(state, direction, address);
  const { addresses } = state.layout;
  if (addresses === undefined) throw state.unsupported(word);
  const test = inDirection(state, direction, (place) => bytesEqual(state.header, addresses[place], address));
  return state.tunnelled ? and(hasLinkHeader(state), test) : test;
}

/** Within a tunnel: whether there is a link's header, not a packet of IP at once. */
export function hasLinkHeader(state: LinkState): Condition {
  const { header, payload } = state;
  if (header.cell === undefined || payload.cell === undefined) return ALWAYS;
  header.cell.used = true;
  payload.cell.used = true;
  return { type: 'cells-differ', left: header.cell, right: payload.cell };
}

/** Frame control of IEEE 802.11: type and subtype, and the direction in the second byte. */
const CONTROL_BIT = 0x04;
const DATA_BIT = 0x08;
const TO_DS = 0x01;
const FROM_DS = 0x02;

/** Addresses of IEEE 802.11 stand in other places by the frame's type and direction. */
export function wirelessHost(state: LinkState, direction: Direction | undefined, address: Uint8Array): Condition {
  const at = (offset: number) => bytesEqual(state.header, offset, address);
  const first = () => field(state.header, 0, 1);
  switch (direction) {
    case 'src':
      return wirelessSource(state, at);
    case 'dst':
      return wirelessDestination(state, at);
    case 'src and dst':
      return and(wirelessSource(state, at), wirelessDestination(state, at));
    case undefined:
    case 'src or dst':
      return or(wirelessSource(state, at), wirelessDestination(state, at));
    case 'addr1':
      return at(4);
    case 'addr2':
      return and(hasSecondAddress(state), at(10));
    case 'addr3':
      return and(not(equals(first(), CONTROL_BIT, 0x0c)), at(16));
    case 'addr4':
      return and(equals(field(state.header, 1, 1), FROM_DS | TO_DS, 0x03), at(24));
    case 'ra':
      return and(hasAny(first(), DATA_BIT), at(4));
    case 'ta':
      return and(hasAny(first(), DATA_BIT), hasSecondAddress(state), at(10));
  }
}

/** Neither clear to send nor acknowledgement. */
function hasSecondAddress(state: LinkState): Condition {
  const first = () => field(state.header, 0, 1);
  return or(
    not(equals(first(), CONTROL_BIT, 0x0c)),
    and(not(equals(first(), 0xc0, 0xf0)), not(equals(first(), 0xd0, 0xf0))),
  );
}

type At = (offset: number) => Condition;

function wirelessSource(state: LinkState, at: At): Condition {
  const first = () => field(state.header, 0, 1);
  const second = () => field(state.header, 1, 1);
  const ofData = or(
    and(not(hasAny(second(), FROM_DS)), at(10)),
    and(hasAny(second(), FROM_DS), or(and(not(hasAny(second(), TO_DS)), at(16)), and(hasAny(second(), TO_DS), at(24)))),
  );
  return and(
    not(hasAny(first(), CONTROL_BIT)),
    or(and(not(hasAny(first(), DATA_BIT)), at(10)), and(hasAny(first(), DATA_BIT), ofData)),
  );
}

/** @param at the test at an offset: the address, or the bit of groups */
export function wirelessDestination(state: LinkState, at: At): Condition {
  const first = () => field(state.header, 0, 1);
  const second = () => field(state.header, 1, 1);
  const ofData = or(and(not(hasAny(second(), TO_DS)), at(4)), and(hasAny(second(), TO_DS), at(16)));
  return and(
    not(hasAny(first(), CONTROL_BIT)),
    or(and(not(hasAny(first(), DATA_BIT)), at(4)), and(hasAny(first(), DATA_BIT), ofData)),
  );
}
