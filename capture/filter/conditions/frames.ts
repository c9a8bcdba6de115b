/** Tests of the link itself: groups of addresses, LLC's kinds, kinds of 802.11 frames, single bytes, directions. */
import { LinkType } from '../../../src/wire/link-types.js';
import { Alu } from '../program/instruction.js';
import type { Protocol } from '../syntax/keywords.js';
import type { ByteOperator } from '../syntax/tree.js';
import { and, type Condition, compares, equals, field, hasAny, not, or, type Term } from './condition.js';
import { cookedBytes } from './cooked-header.js';
import { hardwareHost, hasLinkHeader, wirelessDestination } from './hosts.js';
import type { LinkState } from './link-state.js';
import { Ether, Kernel, PACKET_OUTGOING } from './numbers.js';
import { carries, hasLlc } from './payload-type.js';

const BROADCAST = new Uint8Array(6).fill(0xff);

export function broadcast(state: LinkState, protocol: Protocol | undefined): Condition {
  switch (protocol) {
    case undefined:
    case 'link':
      return hardwareHost(state, 'dst', BROADCAST, 'broadcast');
    case 'ip': {
      const { netmask } = state.context;
      if (netmask === 0xffff_ffff) {
        throw state.fail('a network of one address has no broadcasts', "write 'ip dst host ADDRESS'");
      }
      const hostBits = ~netmask >>> 0;
      const destination = () => field(state.networkHeader, 16, 4);
      return and(
        carries(state, Ether.ip),
        or(equals(destination(), 0, hostBits), equals(destination(), hostBits, hostBits)),
      );
    }
    default:
      throw state.fail(`'${protocol} broadcast' means nothing`, 'write ether broadcast or ip broadcast');
  }
}

export function multicast(state: LinkState, protocol: Protocol | undefined): Condition {
  switch (protocol) {
    case undefined:
    case 'link':
      return linkMulticast(state);
    case 'ip':
      // Addresses above 239 too, as libpcap 1.10 has it: 255.255.255.255 among them.
      return and(carries(state, Ether.ip), compares(field(state.networkHeader, 16, 1), '>=', 0xe0));
    case 'ip6':
      return and(carries(state, Ether.ip6), equals(field(state.networkHeader, 24, 1), 0xff));
    default:
      throw state.fail(`'${protocol} multicast' means nothing`, 'write ether multicast, ip multicast or ip6 multicast');
  }
}

/** The lowest bit of the first byte that is sent: IEEE 802's mark of group addresses. */
function linkMulticast(state: LinkState): Condition {
  const isGroup = (offset: number) => hasAny(field(state.header, offset, 1), 1);
  if (state.layout.scheme === 'wireless') return wirelessDestination(state, isGroup);
  const { addresses } = state.layout;
  if (addresses === undefined) throw state.unsupported('multicast');
  return state.tunnelled ? and(hasLinkHeader(state), isGroup(addresses.destination)) : isGroup(addresses.destination);
}

/** Control fields of IEEE 802.2: which bits tell the kind, and how they are set. */
const LLC_KINDS: Readonly<Record<string, readonly [value: number, mask: number]>> = {
  s: [0x01, 0x03],
  u: [0x03, 0x03],
  rr: [0x01, 0x0f],
  rnr: [0x05, 0x0f],
  rej: [0x09, 0x0f],
  ui: [0x03, 0xef],
  ua: [0x63, 0xef],
  disc: [0x43, 0xef],
  dm: [0x0f, 0xef],
  sabme: [0x6f, 0xef],
  test: [0xe3, 0xef],
  xid: [0xaf, 0xef],
  frmr: [0x87, 0xef],
};

export function llc(state: LinkState, kind: string | undefined): Condition {
  if (kind === undefined) return hasLlc(state);
  const control = () => field(state.payload, 2, 1);
  if (kind === 'i') return and(hasLlc(state), not(hasAny(control(), 0x01)));
  const bits = Object.hasOwn(LLC_KINDS, kind) ? LLC_KINDS[kind] : undefined;
  if (bits === undefined) {
    throw state.fail(`'${kind}' is no kind of LLC frame`, `write one of i, ${Object.keys(LLC_KINDS).join(', ')}`);
  }
  return and(hasLlc(state), equals(control(), bits[0], bits[1]));
}

const hasFrameControl = ({ layout, prefix }: LinkState): boolean => layout.scheme === 'wireless' && prefix !== 'ppi';

/** Type and subtype of an IEEE 802.11 frame. */
export function frameType(state: LinkState, value: number, mask: number): Condition {
  if (!hasFrameControl(state)) throw state.unsupported('type');
  return equals(field(state.header, 0, 1), value, mask);
}

export function frameDirection(state: LinkState, value: number): Condition {
  if (!hasFrameControl(state)) throw state.unsupported('dir');
  return equals(field(state.header, 1, 1), value, 0x03);
}

/** `byte N OPERATOR VALUE` */
export function byte(state: LinkState, index: number, operator: ByteOperator, value: number): Condition {
  if (state.isHeaderHidden) return cookedByte(state, index, operator, value);
  const at = field(state.header, index, 1);
  switch (operator) {
    case '=':
      return equals(at, value);
    case '<':
      return not(compares(at, '>=', value));
    case '>':
      return compares(at, '>', value);
    case '&':
      return not({ type: 'field', field: at, mask: value, comparison: '=', value: 0 });
    case '|':
      return not({ type: 'field', field: at, set: value, comparison: '=', value: 0 });
  }
}

function cookedByte(state: LinkState, index: number, operator: ByteOperator, value: number): Condition {
  const constant = (number: number): Term => ({ type: 'constant', value: number });
  const at = cookedBytes(state, constant(index), 1);
  const right = constant(value);
  switch (operator) {
    case '=':
    case '>':
      return { type: 'terms', comparison: operator, left: at, right };
    case '<':
      return not({ type: 'terms', comparison: '>=', left: at, right });
    case '&':
    case '|': {
      const left: Term = { type: 'binary', operation: operator === '&' ? Alu.and : Alu.or, left: at, right };
      return not({ type: 'terms', comparison: '=', left, right: constant(0) });
    }
  }
}

export function direction(state: LinkState, outbound: boolean): Condition {
  const { target } = state.context;
  const linkType = state.outerLinkType;
  const outgoing = (at: Condition): Condition => (outbound ? at : not(at));
  if (state.isHeaderHidden) return outgoing(equals(kernelPacketType(), PACKET_OUTGOING));
  if (linkType === LinkType.LINUX_SLL) return outgoing(equals(field(state.header, 0, 2), PACKET_OUTGOING));
  if (linkType === LinkType.LINUX_SLL2) return outgoing(equals(field(state.header, 10, 1), PACKET_OUTGOING));
  // What pppd's and SLIP's drivers put in front: 0 for in, 1 for out, and anything else for SLIP.
  if (linkType === LinkType.PPP_PPPD) return equals(field(state.header, 0, 1), outbound ? 1 : 0);
  if (linkType === LinkType.SLIP) return outgoing(not(equals(field(state.header, 0, 1), 0)));
  if (target !== 'file') return outgoing(equals(kernelPacketType(), PACKET_OUTGOING));
  throw state.fail(
    `files with links of type ${state.linkTypeName} don't say in the packet which way it went, and no tunnels do`,
    'it works on live captures, and on files that were captured on any',
  );
}

const kernelPacketType = () => field({ constant: 0 }, Kernel.packetType, 2);

export function interfaceIndex(state: LinkState, index: number): Condition {
  const { target } = state.context;
  if (state.outerLinkType === LinkType.LINUX_SLL2 && !state.isHeaderHidden)
    return equals(field(state.header, 4, 4), index);
  if (target !== 'file') return equals(field({ constant: 0 }, Kernel.interfaceIndex, 4), index);
  throw state.fail(
    `files with links of type ${state.linkTypeName} don't say in the packet where it was seen, and no tunnels do`,
    'ifindex works on live captures, and on files of cooked captures, version 2',
  );
}
