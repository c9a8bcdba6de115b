/**
 * Tests for tags, labels and tunnels. Each moves the places in {@link LinkState}, so that what follows in the expression
 * asks about what is within.
 */
import { LinkType } from '../../../src/wire/link-types.js';
import { and, type Base, Cell, type Condition, equals, field, or, type TunnelPlaces } from './condition.js';
import { PPP_IN_ETHERNET, TUNNELLED_ETHERNET } from './link-layouts.js';
import type { LinkState } from './link-state.js';
import { Ether, GENEVE_PORT, IP, Kernel, Ppp, VXLAN_PORT } from './numbers.js';
import { carries } from './payload-type.js';
import { portsOverIPv4, portsOverIPv6 } from './ports.js';

/** IEEE 802.1Q: a tag of four bytes, whose type stands where the frame's would. */
const TAG_LENGTH = 4;
const VLAN_MASK = 0x0fff;

export function vlan(state: LinkState, tag: number | undefined): Condition {
  if (state.mplsDepth > 0) throw state.fail('no vlan can be told behind mpls', 'ask for vlan before mpls');
  const { scheme } = state.layout;
  const isPpi = scheme === 'wireless' && state.prefix === 'ppi';
  if ((scheme !== 'ethernet' && scheme !== 'wireless' && !state.isOuterCooked) || isPpi)
    throw state.unsupported('vlan');
  if (tag !== undefined) state.atMost('the VLAN', tag, VLAN_MASK);
  const condition = vlanTag(state, tag);
  state.vlanDepth++;
  return condition;
}

function vlanTag(state: LinkState, tag: number | undefined): Condition {
  if (state.context.target === 'kernel' && state.vlanDepth === 0) {
    if (state.isOuterEthernet) return outerTag(state, tag);
    if (state.isOuterCooked) return cookedTag(state, tag);
  }
  return tagInPacket(state, tag);
}

function isTagged(state: LinkState): Condition {
  return or(carries(state, Ether.vlan), carries(state, Ether.serviceVlan), carries(state, Ether.oldServiceVlan));
}

function tagInPacket(state: LinkState, tag: number | undefined): Condition {
  const tagged = isTagged(state);
  const condition = tag === undefined ? tagged : and(tagged, equals(field(state.networkHeader, 0, 2), tag, VLAN_MASK));
  const { payload } = state;
  // A cooked header need not end in the field that says what it carries; the tag does.
  if (state.isOuterCooked) state.type = { ...payload, constant: payload.constant + 2 };
  else if (state.type !== undefined) state.type = { ...state.type, constant: state.type.constant + TAG_LENGTH };
  state.payload = { ...payload, constant: payload.constant + TAG_LENGTH };
  return condition;
}

/**
 * The outermost tag of a live packet: the network's card or the kernel may have taken it out, then the kernel knows it;
 * if it stands in the packet, everything behind it stands four bytes further.
 */
function outerTag(state: LinkState, tag: number | undefined): Condition {
  const payload = state.payload.cell ?? new Cell();
  const type = state.type?.cell ?? new Cell();
  const present = equals(field({ constant: 0 }, Kernel.vlanTagPresent, 1), 1);
  const inPacket: Condition = { type: 'tag-in-packet', cells: [payload, type], of: isTagged(state) };
  const tagField = field(state.networkHeader, 0, 2);
  payload.used = true;
  type.used = true;
  state.foundCells.push(payload, type);
  state.payload = { ...state.payload, cell: payload };
  if (state.type !== undefined) state.type = { ...state.type, cell: type };
  const tagged = or(present, inPacket);
  return tag === undefined ? tagged : and(tagged, { type: 'vlan-tag', field: tagField, tag });
}

/** The outermost tag of a cooked packet in the kernel, which has no link's header for a tag to stand in. */
function cookedTag(state: LinkState, tag: number | undefined): Condition {
  const payload = new Cell();
  const tagCell = tag === undefined ? undefined : new Cell();
  const protocol = state.protocolCell as Cell;
  for (const cell of [payload, tagCell]) {
    if (cell === undefined) continue;
    cell.used = true;
    state.foundCells.push(cell);
  }
  protocol.used = true;
  state.payload = { ...state.payload, cell: payload };
  const tagged: Condition = { type: 'cooked-tag', cells: { protocol, payload, tag: tagCell } };
  if (tag === undefined) return tagged;
  return and(tagged, equals(field({ constant: 0, cell: tagCell, isValue: true }, 0, 2), tag, VLAN_MASK));
}

/** RFC 3032: labels of four bytes, the last of which is marked. */
export function mpls(state: LinkState, label: number | undefined): Condition {
  const isLabel = state.mplsDepth > 0 ? equals(field(state.networkHeader, -2, 1), 0, 0x01) : isMpls(state);
  if (label !== undefined) state.atMost('the MPLS label', label, 0xfffff);
  const condition =
    label === undefined
      ? isLabel
      : and(isLabel, equals(field(state.networkHeader, 0, 4), (label << 12) >>> 0, 0xffff_f000));
  state.network += 4;
  state.networkPlain += 4;
  state.mplsDepth++;
  return condition;
}

function isMpls(state: LinkState): Condition {
  const { scheme } = state.layout;
  if (scheme === 'ethernet' || scheme === 'hdlc') return carries(state, Ether.mpls);
  const { linkType } = state.context;
  // In PPPoE the link is PPP, whatever the packet's own is.
  if (scheme === 'ppp' && (linkType === LinkType.PPP || state.layout === PPP_IN_ETHERNET))
    return carries(state, Ppp.mpls);
  throw state.unsupported('mpls');
}

export function pppoeDiscovery(state: LinkState): Condition {
  return carries(state, Ether.pppoeDiscovery);
}

/** RFC 2516: a header of six bytes, and PPP without framing behind it. */
export function pppoeSession(state: LinkState, session: number | undefined): Condition {
  if (session !== undefined) state.atMost('the PPPoE session', session, 0xffff);
  const isSession = carries(state, Ether.pppoeSession);
  const condition =
    session === undefined ? isSession : and(isSession, equals(field(state.networkHeader, 2, 2), session));
  const { networkHeader } = state;
  state.layout = PPP_IN_ETHERNET;
  state.header = { ...networkHeader, constant: networkHeader.constant + 6 };
  state.type = state.header;
  state.payload = { ...state.payload, constant: state.header.constant + 2 };
  state.network = 0;
  state.networkPlain = 0;
  state.tunnelled = false;
  state.within = true;
  return condition;
}

const TUNNELS = {
  geneve: {
    port: GENEVE_PORT,
    /** The version, RFC 8926 section 3.4. */
    recognise: (base: Base) => equals(field(base, 8, 1), 0, 0xc0),
  },
  vxlan: {
    port: VXLAN_PORT,
    /** The flag of a valid network, and no other: RFC 7348 section 5. */
    recognise: (base: Base) => equals(field(base, 8, 1), 0x08),
  },
} as const;

/** Geneve (RFC 8926) and VXLAN (RFC 7348): frames in UDP. */
export function tunnel(state: LinkState, kind: TunnelPlaces['kind'], network: number | undefined): Condition {
  if (network !== undefined) state.atMost('the virtual network', network, 0xffffff);
  const { port, recognise } = TUNNELS[kind];
  const places = { kind, linkHeader: new Cell(), linkType: new Cell(), payload: new Cell() };
  const over = (overIPv4: boolean): Condition => {
    const isPort = overIPv4
      ? portsOverIPv4(state, IP.udp, 'dst', port, port)
      : portsOverIPv6(state, IP.udp, 'dst', port, port);
    const transport = overIPv4 ? state.behindIPv4 : state.behindIPv6;
    const isNetwork = network === undefined ? [] : [equals(field(transport, 12, 4), (network << 8) >>> 0, 0xffff_ff00)];
    return and(isPort, recognise(transport), ...isNetwork, { type: 'tunnel', tunnel: { ...places, transport } });
  };
  const condition = or(over(true), over(false));
  for (const cell of [places.linkHeader, places.linkType, places.payload]) {
    cell.used = true;
    state.foundCells.push(cell);
  }
  state.layout = TUNNELLED_ETHERNET;
  state.header = { constant: 0, cell: places.linkHeader };
  state.type = { constant: 0, cell: places.linkType };
  state.payload = { constant: 0, cell: places.payload };
  state.network = 0;
  state.tunnelled = true;
  state.within = true;
  return condition;
}
