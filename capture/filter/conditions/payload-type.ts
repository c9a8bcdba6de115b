/** Tests for what a link carries, by EtherTypes and by service access points of IEEE 802.2. */
import { LinkType } from '../../../src/wire/link-types.js';
import { ALWAYS, and, atMost, bytesEqual, type Condition, equals, field, NEVER, not, or } from './condition.js';
import type { LinkState } from './link-state.js';
import { Cooked, Ether, MAX_LENGTH, Nlpid, Ppp, Sap } from './numbers.js';

/** AF_INET; AF_INET6 as BSD, FreeBSD and Darwin have it. */
const AF_INET = 2;
const AF_INET6 = [24, 28, 30] as const;
const AF_INET6_HERE = 10;

/** The first byte of frames that carry data, among those of IEEE 802.11. */
const FRAME_TYPE = 0x0c;
const DATA_FRAME = 0x08;

/**
 * Whether the link carries `type`: an EtherType above 1,500, a service access point below.
 */
export function carries(state: LinkState, type: number): Condition {
  if (state.mplsDepth > 0) return carriedByMpls(state, type);
  switch (state.layout.scheme) {
    case 'ethernet':
      return ethernetType(state, type);
    case 'wireless':
      return and(isDataFrame(state), llcType(state, type));
    case 'llc':
      return llcType(state, type);
    case 'cooked':
      return cookedType(state, type);
    case 'ip-version':
      if (type === Ether.ip) return equals(field(state.header, 0, 1), 0x40, 0xf0);
      return type === Ether.ip6 ? equals(field(state.header, 0, 1), 0x60, 0xf0) : NEVER;
    case 'ipv4-only':
      return type === Ether.ip ? ALWAYS : NEVER;
    case 'ipv6-only':
      return type === Ether.ip6 ? ALWAYS : NEVER;
    case 'ppp':
      return equals(typeField(state), pppType(type));
    case 'loopback':
      return loopbackType(state, type);
    case 'hdlc':
      return equals(typeField(state), type === Sap.iso ? (Sap.iso << 8) | Sap.iso : type);
    case 'frame-relay':
      return frameRelayType(state, type);
    case 'ether-type':
      return equals(typeField(state), type);
    case 'none':
      throw state.fail(
        `links of type ${state.linkTypeName} don't say what they carry in a way that sockctl knows`,
        'look at bytes of the link: link[0] = 1',
      );
  }
}

export function isDataFrame(state: LinkState): Condition {
  return equals(field(state.header, 0, 1), DATA_FRAME, FRAME_TYPE);
}

function typeField(state: LinkState) {
  if (state.type === undefined) throw state.unsupported('a type');
  return field(state.type, 0, 2);
}

function ethernetType(state: LinkState, type: number): Condition {
  const isLength = () => atMost(typeField(state), MAX_LENGTH);
  switch (type) {
    case Sap.iso:
    case Sap.ip:
    case Sap.netbeui:
      return and(isLength(), equals(field(state.payload, 0, 2), (type << 8) | type));
    case Sap.ipx:
      // Ethernet II; 802.3 without LLC, as NetWare had it; LLC; SNAP.
      return or(
        equals(typeField(state), Ether.ipx),
        and(
          isLength(),
          or(
            snap(state, 0, Ether.ipx),
            equals(field(state.payload, 0, 1), Sap.ipx),
            equals(field(state.payload, 0, 2), 0xffff),
          ),
        ),
      );
    case Ether.appleTalk:
    case Ether.appleTalkArp:
      return or(equals(typeField(state), type), and(isLength(), appleTalkSnap(state, type)));
    default:
      if (type > MAX_LENGTH) return equals(typeField(state), type);
      return and(isLength(), equals(field(state.type ?? state.payload, 2, 1), type));
  }
}

function cookedType(state: LinkState, type: number): Condition {
  const isLlc = () => equals(typeField(state), Cooked.llc);
  switch (type) {
    case Sap.iso:
    case Sap.ip:
    case Sap.netbeui:
      return and(isLlc(), equals(field(state.payload, 0, 2), (type << 8) | type));
    case Sap.ipx:
      return or(
        equals(typeField(state), Ether.ipx),
        equals(typeField(state), Cooked.novell8023),
        and(isLlc(), or(equals(field(state.payload, 0, 1), Sap.ipx), snap(state, 0, Ether.ipx))),
      );
    case Ether.appleTalk:
    case Ether.appleTalkArp:
      return or(equals(typeField(state), type), and(isLlc(), appleTalkSnap(state, type)));
    default:
      if (type > MAX_LENGTH) return equals(typeField(state), type);
      return and(isLlc(), equals(field(state.payload, 0, 1), type));
  }
}

/** LLC, and SNAP behind it. */
function llcType(state: LinkState, type: number): Condition {
  switch (type) {
    case Sap.ip:
    case Sap.iso:
    case Sap.netbeui:
      return equals(field(state.payload, 0, 2), (type << 8) | type);
    case Sap.ipx:
      return equals(field(state.payload, 0, 1), Sap.ipx);
    case Ether.appleTalk:
      return snap(state, 0x080007, Ether.appleTalk);
    default:
      if (type <= MAX_LENGTH) return equals(field(state.payload, 0, 1), type);
      // The type in SNAP alone, as libpcap has it; the organization is not asked.
      return equals(field(state.payload, 6, 2), type);
  }
}

function appleTalkSnap(state: LinkState, type: number): Condition {
  return type === Ether.appleTalk ? snap(state, 0x080007, type) : snap(state, 0, type);
}

/** LLC with SNAP: an organization's protocol, RFC 1042. */
function snap(state: LinkState, organization: number, type: number): Condition {
  const bytes = Uint8Array.of(
    Sap.snap,
    Sap.snap,
    0x03,
    organization >> 16,
    organization >> 8,
    organization,
    type >> 8,
    type,
  );
  return bytesEqual(state.payload, 0, bytes);
}

/** PPP has numbers of its own for what EtherTypes name. */
function pppType(type: number): number {
  switch (type) {
    case Ether.ip:
      return Ppp.ip;
    case Ether.ip6:
      return Ppp.ip6;
    case Ether.decnet:
      return Ppp.decnet;
    case Ether.appleTalk:
      return Ppp.appleTalk;
    case Ether.ns:
      return Ppp.ns;
    case Sap.iso:
      return Ppp.osi;
    case Sap.stp:
      return Ppp.bridge;
    case Sap.ipx:
      return Ppp.ipx;
    default:
      return type;
  }
}

function loopbackType(state: LinkState, type: number): Condition {
  const isFamily = (family: number) => {
    const swapped = state.context.linkType === LinkType.NULL && state.context.littleEndian;
    return equals(field(state.header, 0, 4), swapped ? family << 24 : family);
  };
  if (type === Ether.ip) return isFamily(AF_INET);
  if (type !== Ether.ip6) return NEVER;
  if (state.context.target === 'kernel') return isFamily(AF_INET6_HERE);
  const [bsd, freeBsd, darwin] = AF_INET6;
  return or(isFamily(darwin), isFamily(bsd), isFamily(freeBsd));
}

/** RFC 2427: a control field of 0x03, and an identifier of the network layer. */
function frameRelayType(state: LinkState, type: number): Condition {
  const isNlpid = (nlpid: number) => equals(field(state.header, 2, 2), 0x0300 | nlpid);
  switch (type) {
    case Ether.ip:
      return isNlpid(0xcc);
    case Ether.ip6:
      return isNlpid(0x8e);
    case Sap.iso:
      return or(isNlpid(Nlpid.clnp), isNlpid(Nlpid.esis), isNlpid(Nlpid.isis));
    default:
      return NEVER;
  }
}

/** Behind MPLS nothing says what follows but the first bits of it; the label before must be the last one. */
function carriedByMpls(state: LinkState, type: number): Condition {
  if (type !== Ether.ip && type !== Ether.ip6) {
    throw state.fail('behind mpls only ip and ip6 can be told', 'ask for it before mpls, or look at bytes');
  }
  const base = state.networkHeader;
  return and(equals(field(base, -2, 1), 0x01, 0x01), equals(field(base, 0, 1), type === Ether.ip ? 0x40 : 0x60, 0xf0));
}

/** Whether the frame begins with an LLC header. */
export function hasLlc(state: LinkState): Condition {
  const { scheme } = state.layout;
  if (scheme === 'ethernet' && state.type !== undefined && state.outerLinkType !== LinkType.NETANALYZER) {
    return and(atMost(typeField(state), MAX_LENGTH), not(equals(field(state.payload, 0, 2), 0xffff)));
  }
  if (scheme === 'wireless') return isDataFrame(state);
  if (scheme === 'llc' && state.outerLinkType !== LinkType.IP_OVER_FC) return ALWAYS;
  throw state.unsupported('llc');
}
