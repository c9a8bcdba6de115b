/**
 * Where the headers of link types have what filters ask for. A link type that is missing here can be looked into with
 * `link[…]`, and no more.
 */
import { DLT_RAW, DLT_RAW_OPENBSD, LinkType } from '../../../src/wire/link-types.js';

/** How a link says what it carries. */
export type TypeScheme =
  | 'ethernet'
  /** An LLC header, at the payload's beginning. */
  | 'llc'
  | 'wireless'
  | 'cooked'
  /** A field of 16 bits with an EtherType. */
  | 'ether-type'
  /** The version in the first byte. */
  | 'ip-version'
  | 'ipv4-only'
  | 'ipv6-only'
  | 'ppp'
  | 'loopback'
  | 'hdlc'
  | 'frame-relay'
  | 'none';

export interface LinkLayout {
  readonly scheme: TypeScheme;
  /** Of the field that says what is carried; undefined where there is none. */
  readonly type?: number;
  /** Of what the link carries; for the schemes with LLC, of its header. */
  readonly payload: number;
  /** Of the network's header within the payload, behind LLC and SNAP where they are. */
  readonly network: number;
  /** The same without SNAP. */
  readonly networkPlain: number;
  /** Of the link's own header, behind what a capture put before. */
  readonly header?: number;
  /** Where the hardware addresses are, in the link's own header. */
  readonly addresses?: { readonly source: number; readonly destination: number };
  /** Before the link's header, of a length that it says itself. */
  readonly prefix?: 'radiotap' | 'avs' | 'prism' | 'ppi';
}

const ETHERNET: LinkLayout = {
  scheme: 'ethernet',
  type: 12,
  payload: 14,
  network: 0,
  networkPlain: 3,
  addresses: { source: 6, destination: 0 },
};

/** The frame in a tunnel. */
export const TUNNELLED_ETHERNET = ETHERNET;
/** What PPPoE carries. */
export const PPP_IN_ETHERNET: LinkLayout = { scheme: 'ppp', type: 0, payload: 2, network: 0, networkPlain: 0 };

const plain = (scheme: TypeScheme, payload: number, type?: number): LinkLayout => ({
  scheme,
  payload,
  network: 0,
  networkPlain: 0,
  ...(type === undefined ? {} : { type }),
});

const WIRELESS: LinkLayout = { scheme: 'wireless', type: 24, payload: 0, network: 8, networkPlain: 3 };

const withLlc = (payload: number, addresses?: LinkLayout['addresses']): LinkLayout => ({
  scheme: 'llc',
  type: payload,
  payload,
  network: 8,
  networkPlain: 3,
  ...(addresses === undefined ? {} : { addresses }),
});

const LAYOUTS: Readonly<Record<number, LinkLayout>> = {
  [LinkType.ETHERNET]: ETHERNET,
  [LinkType.NULL]: plain('loopback', 4, 0),
  [LinkType.LOOP]: plain('loopback', 4, 0),
  [LinkType.RAW]: plain('ip-version', 0),
  [DLT_RAW]: plain('ip-version', 0),
  [DLT_RAW_OPENBSD]: plain('ip-version', 0),
  [LinkType.IPV4]: plain('ipv4-only', 0),
  [LinkType.IPV6]: plain('ipv6-only', 0),
  [LinkType.SLIP]: plain('ip-version', 16),
  [LinkType.PPP]: plain('ppp', 4, 2),
  [LinkType.PPP_HDLC]: plain('ppp', 4, 2),
  [LinkType.PPP_PPPD]: plain('ppp', 4, 2),
  [LinkType.PPP_ETHER]: plain('ppp', 8, 6),
  [LinkType.C_HDLC]: plain('hdlc', 4, 2),
  [LinkType.FRELAY]: plain('frame-relay', 0),
  [LinkType.LINUX_SLL]: plain('cooked', 16, 14),
  [LinkType.LINUX_SLL2]: plain('ether-type', 20, 0),
  [LinkType.APPLE_IP_OVER_IEEE1394]: plain('ether-type', 18, 16),
  [LinkType.SYMANTEC_FIREWALL]: plain('ether-type', 44, 6),
  [LinkType.FDDI]: withLlc(13, { source: 7, destination: 1 }),
  [LinkType.IEEE802_5]: withLlc(14, { source: 8, destination: 2 }),
  [LinkType.IP_OVER_FC]: withLlc(16, { source: 10, destination: 2 }),
  [LinkType.ATM_RFC1483]: withLlc(0),
  [LinkType.IEEE802_11]: WIRELESS,
  [LinkType.IEEE802_11_RADIOTAP]: { ...WIRELESS, prefix: 'radiotap' },
  [LinkType.IEEE802_11_AVS]: { ...WIRELESS, prefix: 'avs' },
  [LinkType.IEEE802_11_PRISM]: { ...WIRELESS, prefix: 'prism' },
  [LinkType.PPI]: { ...WIRELESS, prefix: 'ppi' },
  [LinkType.NETANALYZER]: { ...ETHERNET, header: 4 },
};

/** SKF_NET_OFF of linux/filter.h: from there on, loads are of the network's header, wherever a socket's data begin. */
export const SOCKET_ABOVE_IP: LinkLayout = { ...plain('ip-version', 0), header: 0xfff0_0000 };

/** A cooked packet as the kernel shows it to filters, from the network's header on: what it carries is known apart. */
export const cookedInKernel = ({ scheme }: LinkLayout): LinkLayout => plain(scheme, 0);

/** Link types with nothing but bytes. */
const BYTES: LinkLayout = plain('none', 0);

export function linkLayout(linkType: number): LinkLayout {
  return LAYOUTS[linkType] ?? BYTES;
}
