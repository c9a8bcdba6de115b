/** Tests for protocols: as words of their own, by number, and at the end of a chain of headers. */
import type { Protocol } from '../syntax/keywords.js';
import { and, type Condition, equals, field, or } from './condition.js';
import type { LinkState } from './link-state.js';
import { Ether, IP, Isis, Nlpid, Sap } from './numbers.js';
import { carries } from './payload-type.js';

/** `tcp`, `arp`, `isis`: whether a packet is of a protocol. */
export function isProtocol(state: LinkState, protocol: Protocol): Condition {
  const etherType = ETHER_TYPES[protocol];
  if (etherType !== undefined) return carries(state, etherType);
  const overIP = IP_PROTOCOLS[protocol];
  if (overIP !== undefined) return ipProtocol(state, overIP.over, overIP.number);
  const nlpid = NLPIDS[protocol];
  if (nlpid !== undefined) return isoProtocol(state, nlpid);
  const pdus = ISIS_PDUS[protocol];
  if (pdus !== undefined) return or(...pdus.map((pdu) => isisPdu(state, pdu)));
  throw state.fail(
    `'${protocol}' alone is no test`,
    protocol === 'link' ? 'write link host, link proto or link[0]' : 'write radio[0]',
  );
}

/** `proto N` behind a protocol, or behind none. */
export function hasNumber(state: LinkState, protocol: Protocol | undefined, number: number): Condition {
  switch (protocol) {
    case undefined:
    case 'ip':
    case 'ip6':
      return ipProtocol(state, protocol, number);
    case 'link':
      return carries(state, number);
    case 'iso':
      return isoProtocol(state, number);
    case 'isis':
      return isisPdu(state, number);
    default:
      throw state.fail(
        `'${protocol} proto' means nothing`,
        'write ip, ip6, ether, iso or isis before proto, or nothing',
      );
  }
}

/** `protochain N`: behind extension headers and authentication headers too. */
export function endsInProtocol(state: LinkState, protocol: Protocol | undefined, number: number): Condition {
  const chain = (version: 4 | 6): Condition => {
    if (state.payload.cell !== undefined) {
      throw state.fail('protochain needs headers of a known length, which radio links and tunnels lack');
    }
    const isVersion = carries(state, version === 4 ? Ether.ip : Ether.ip6);
    return and(isVersion, { type: 'header-chain', version, protocol: number, base: state.networkHeader });
  };
  if (protocol === undefined) return or(chain(4), chain(6));
  if (protocol === 'ip') return chain(4);
  if (protocol === 'ip6') return chain(6);
  throw state.fail(`'${protocol} protochain' means nothing`, 'write ip or ip6 before protochain, or nothing');
}

function ipProtocol(state: LinkState, over: 'ip' | 'ip6' | undefined, number: number): Condition {
  const header = state.networkHeader;
  if (over === undefined) return or(ipProtocol(state, 'ip', number), ipProtocol(state, 'ip6', number));
  if (over === 'ip') return and(carries(state, Ether.ip), equals(field(header, 9, 1), number));
  // A fragment header may stand between.
  return and(
    carries(state, Ether.ip6),
    or(
      equals(field(header, 6, 1), number),
      and(equals(field(header, 6, 1), IP.fragment), equals(field(header, 40, 1), number)),
    ),
  );
}

function isoProtocol(state: LinkState, number: number): Condition {
  const { scheme } = state.layout;
  if (scheme === 'frame-relay') return equals(field(state.header, 2, 2), 0x0300 | number);
  if (scheme === 'hdlc') {
    // A byte of filling stands before it.
    return and(carries(state, (Sap.iso << 8) | Sap.iso), equals(field(state.plainNetworkHeader, 1, 1), number));
  }
  return and(carries(state, Sap.iso), equals(field(state.plainNetworkHeader, 0, 1), number));
}

function isisPdu(state: LinkState, number: number): Condition {
  return and(isoProtocol(state, Nlpid.isis), equals(field(state.plainNetworkHeader, 4, 1), number));
}

const ETHER_TYPES: Readonly<Partial<Record<Protocol, number>>> = {
  ip: Ether.ip,
  ip6: Ether.ip6,
  arp: Ether.arp,
  rarp: Ether.rarp,
  atalk: Ether.appleTalk,
  aarp: Ether.appleTalkArp,
  decnet: Ether.decnet,
  lat: Ether.lat,
  sca: Ether.sca,
  mopdl: Ether.mopDumpLoad,
  moprc: Ether.mopRemoteConsole,
  iso: Sap.iso,
  stp: Sap.stp,
  ipx: Sap.ipx,
  netbeui: Sap.netbeui,
};

const IP_PROTOCOLS: Readonly<Partial<Record<Protocol, { over: 'ip' | 'ip6' | undefined; number: number }>>> = {
  tcp: { over: undefined, number: IP.tcp },
  udp: { over: undefined, number: IP.udp },
  sctp: { over: undefined, number: IP.sctp },
  ah: { over: undefined, number: IP.ah },
  esp: { over: undefined, number: IP.esp },
  pim: { over: undefined, number: IP.pim },
  icmp: { over: 'ip', number: IP.icmp },
  igmp: { over: 'ip', number: IP.igmp },
  igrp: { over: 'ip', number: IP.igrp },
  vrrp: { over: 'ip', number: IP.vrrp },
  carp: { over: 'ip', number: IP.carp },
  icmp6: { over: 'ip6', number: IP.icmp6 },
};

const NLPIDS: Readonly<Partial<Record<Protocol, number>>> = {
  esis: Nlpid.esis,
  isis: Nlpid.isis,
  clnp: Nlpid.clnp,
};

const ISIS_PDUS: Readonly<Partial<Record<Protocol, readonly number[]>>> = {
  l1: [Isis.l1Partial, Isis.l1Complete, Isis.l1Link, Isis.l1Hello, Isis.pointToPointHello],
  l2: [Isis.l2Partial, Isis.l2Complete, Isis.l2Link, Isis.l2Hello, Isis.pointToPointHello],
  iih: [Isis.pointToPointHello, Isis.l1Hello, Isis.l2Hello],
  lsp: [Isis.l1Link, Isis.l2Link],
  snp: [Isis.l2Partial, Isis.l1Partial, Isis.l1Complete, Isis.l2Complete],
  csnp: [Isis.l1Complete, Isis.l2Complete],
  psnp: [Isis.l1Partial, Isis.l2Partial],
};
