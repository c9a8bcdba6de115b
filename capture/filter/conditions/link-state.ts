/**
 * Where the headers of the packet that is asked about begin. Tests for tags and tunnels (`vlan`, `mpls`, `pppoes`,
 * `geneve`, `vxlan`) move these places for everything behind them in the expression: `vlan and ip` asks for IP within
 * a tagged frame.
 */
import { LinkType, linkTypeName } from '../../../src/wire/link-types.js';
import { FilterError, KernelFilterError, type Span } from '../error.js';
import { type Base, Cell, type Length } from './condition.js';
import { cookedHeaderLength } from './cooked-header.js';
import { cookedInKernel, type LinkLayout, linkLayout, SOCKET_ABOVE_IP } from './link-layouts.js';

/** What a compilation is for. */
export interface LinkContext {
  /** A LINKTYPE_ number. */
  readonly linkType: number;
  /**
   * Where the program runs: `file` sees a packet's bytes alone, `kernel` also what the kernel knows besides (direction,
   * interface, a VLAN tag that it has taken out of the packet); `datagram` is a socket above IP, which finds the network's
   * header at an address of its own and has no link.
   */
  readonly target: 'file' | 'kernel' | 'datagram';
  /** Of loopback headers, whose address family is in the order of the machine that captured. */
  readonly littleEndian: boolean;
  /** Of the interface's network, for `ip broadcast`; 0 where it is not known. */
  readonly netmask: number;
}

export class LinkState {
  readonly context: LinkContext;
  readonly expression: string;
  /** The part of the expression that is read now, for errors. */
  span: Span = { start: 0, end: 0 };

  layout: LinkLayout;
  /** The link's own header. */
  header: Base;
  /** The field that says what is carried; undefined for links without. */
  type: Base | undefined;
  payload: Base;
  /** Of the network's header within the payload, with SNAP and without. */
  network: number;
  networkPlain: number;
  mplsDepth = 0;
  vlanDepth = 0;
  /** Within a tunnel whose frame may lack a link header. */
  tunnelled = false;
  /** Within anything that has a link of its own. */
  within = false;
  /** What a capture puts before the link's header, in front of the whole packet. */
  readonly prefix: LinkLayout['prefix'];
  /** Cells that the program's beginning fills: the radio header's length, the 802.11 header's. */
  readonly prefixCell: Cell | undefined;
  readonly wirelessCell: Cell | undefined;
  /** Of a socket's packets, which are handed over without the header that says how long they are. */
  readonly lengthCell: Cell | undefined;
  /** Of cooked packets in the kernel: the EtherType that is in the header later. */
  readonly protocolCell: Cell | undefined;
  /** Cells that a condition of the expression fills, if it holds; they begin as 0, for no other program may read them. */
  readonly foundCells: Cell[] = [];

  constructor(expression: string, context: LinkContext) {
    this.expression = expression;
    this.context = context;
    const layout = layoutFor(context);
    this.layout = layout;
    const { header = 0, scheme } = layout;
    this.prefix = layout.prefix;
    this.prefixCell = layout.prefix === undefined ? undefined : new Cell();
    this.lengthCell = layout === SOCKET_ABOVE_IP ? new Cell() : undefined;
    this.wirelessCell = scheme === 'wireless' ? new Cell() : undefined;
    this.protocolCell = isCookedInKernel(context) ? new Cell() : undefined;
    this.header = { constant: header, cell: this.prefixCell };
    this.type = layout.type === undefined ? undefined : { constant: header + layout.type };
    if (this.protocolCell !== undefined) this.type = this.cookedProtocol;
    this.payload = { constant: header + layout.payload, cell: this.wirelessCell };
    this.network = layout.network;
    this.networkPlain = layout.networkPlain;
  }

  get linkTypeName(): string {
    if (this.context.target === 'datagram') return 'socket';
    return linkTypeName(this.context.linkType);
  }

  get isRadio(): boolean {
    const { prefix } = this.layout;
    return prefix === 'radiotap' || prefix === 'avs' || prefix === 'prism';
  }

  /** The packet's own link; undefined within a tunnel, and for sockets, which have none. */
  get outerLinkType(): number | undefined {
    return this.within || this.context.target === 'datagram' ? undefined : this.context.linkType;
  }

  /** Ethernet as the packet's own link, not within a tunnel. */
  get isOuterEthernet(): boolean {
    return this.outerLinkType === LinkType.ETHERNET;
  }

  /** A cooked capture's own header, not one within a tunnel. */
  get isOuterCooked(): boolean {
    return cookedHeaderLength(this.outerLinkType ?? LinkType.NULL) > 0;
  }

  /** The same where no filter can see it. */
  get isHeaderHidden(): boolean {
    return this.protocolCell !== undefined && !this.within;
  }

  /** Of a cooked packet in the kernel: what it carries. */
  get cookedProtocol(): Base {
    return { constant: 0, cell: this.protocolCell, isValue: true };
  }

  /** The length on the link. */
  length(): Length {
    if (this.lengthCell !== undefined) this.lengthCell.used = true;
    const hidden = this.protocolCell === undefined ? 0 : cookedHeaderLength(this.context.linkType);
    return { type: 'length', cell: this.lengthCell, hidden };
  }

  /** What stands behind an IPv4 header. */
  get behindIPv4(): Base {
    return this.#transport ?? { ...this.networkHeader, behindIPv4: true };
  }

  /** What stands behind an IPv6 header without extensions. */
  get behindIPv6(): Base {
    const header = this.networkHeader;
    return this.#transport ?? { ...header, constant: header.constant + 40 };
  }

  /** What a socket above IP is handed begins there. */
  get #transport(): Base | undefined {
    return this.layout === SOCKET_ABOVE_IP ? { constant: 0 } : undefined;
  }

  /** The network's header. */
  get networkHeader(): Base {
    return { ...this.payload, constant: this.payload.constant + this.network };
  }

  /** The network's header behind LLC without SNAP. */
  get plainNetworkHeader(): Base {
    return { ...this.payload, constant: this.payload.constant + this.networkPlain };
  }

  fail(reason: string, advice?: string): FilterError {
    return new FilterError(this.expression, this.span, reason, advice);
  }

  /** For what the captured packet tells and the kernel does not. */
  notInKernel(what: string): KernelFilterError {
    const advice = 'ask for protocol, packet type, interface or hardware type, or filter what was captured';
    return new KernelFilterError(this.expression, this.span, `the kernel doesn't tell filters ${what}`, advice);
  }

  /** @throws FilterError */
  atMost(what: string, value: number, maximum: number): void {
    if (value > maximum) throw this.fail(`${what} ${value} is above ${maximum}`);
  }

  /** For words that mean nothing on this link. */
  unsupported(word: string): FilterError {
    return this.fail(`'${word}' means nothing on a link of type ${this.linkTypeName}`);
  }
}

const isCookedInKernel = ({ target, linkType }: LinkContext): boolean =>
  target === 'kernel' && cookedHeaderLength(linkType) > 0;

function layoutFor(context: LinkContext): LinkLayout {
  if (context.target === 'datagram') return SOCKET_ABOVE_IP;
  const layout = linkLayout(context.linkType);
  return isCookedInKernel(context) ? cookedInKernel(layout) : layout;
}
