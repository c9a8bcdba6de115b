/**
 * Names in filters. Those that a file of this system or a table here knows are always read; hosts are looked up only when
 * asked, before the filter is compiled.
 */
import { readFileSync } from 'node:fs';
import type { IPAddress } from '../../src/sockaddr/ip.js';
import { servicePort } from '../../src/sockaddr/services.js';
import { Ether, IP, Nlpid, Sap } from './conditions/numbers.js';

/** What host names stand for, from whoever looked them up. */
export type HostTable = ReadonlyMap<string, readonly IPAddress[]>;

const known = <T>(table: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(table, name) ? table[name] : undefined;

/** Names for `ether proto`. */
const LINK_PROTOCOLS: Readonly<Record<string, number>> = {
  aarp: Ether.appleTalkArp,
  arp: Ether.arp,
  atalk: Ether.appleTalk,
  decnet: Ether.decnet,
  ip: Ether.ip,
  ip6: Ether.ip6,
  lat: Ether.lat,
  loopback: 0x9000,
  mopdl: Ether.mopDumpLoad,
  moprc: Ether.mopRemoteConsole,
  rarp: Ether.rarp,
  sca: Ether.sca,
  iso: Sap.iso,
  stp: Sap.stp,
  ipx: Sap.ipx,
  netbeui: Sap.netbeui,
};

export const linkProtocol = (name: string): number | undefined => known(LINK_PROTOCOLS, name);

export const isoProtocol = (name: string): number | undefined =>
  known({ clnp: Nlpid.clnp, esis: Nlpid.esis, isis: Nlpid.isis }, name);

/** For systems without protocols(5): the names that filters are written with. */
const IP_PROTOCOLS: Readonly<Record<string, number>> = {
  ip: 0,
  icmp: IP.icmp,
  igmp: IP.igmp,
  ggp: 3,
  ipencap: 4,
  tcp: IP.tcp,
  egp: 8,
  igp: IP.igrp,
  udp: IP.udp,
  dccp: 33,
  ipv6: 41,
  'ipv6-route': IP.routing,
  'ipv6-frag': IP.fragment,
  rsvp: 46,
  gre: 47,
  esp: IP.esp,
  ah: IP.ah,
  'ipv6-icmp': IP.icmp6,
  'ipv6-nonxt': IP.none,
  'ipv6-opts': IP.destinationOptions,
  eigrp: 88,
  ospf: 89,
  ipip: 94,
  pim: IP.pim,
  vrrp: IP.vrrp,
  l2tp: 115,
  isis: 124,
  sctp: IP.sctp,
  udplite: 136,
};

/** A number by its name, from protocols(5), where the file's aliases count too. */
export function ipProtocol(name: string): number | undefined {
  for (const [first, number, ...aliases] of fileRows('/etc/protocols')) {
    if (first === name || aliases.includes(name)) return Number(number);
  }
  return known(IP_PROTOCOLS, name);
}

/** For systems without services(5). */
const SERVICES: Readonly<Record<string, readonly [port: number, protocols: 'tcp' | 'udp' | 'both']>> = {
  ftp: [21, 'tcp'],
  ssh: [22, 'tcp'],
  telnet: [23, 'tcp'],
  smtp: [25, 'tcp'],
  domain: [53, 'both'],
  bootps: [67, 'udp'],
  bootpc: [68, 'udp'],
  tftp: [69, 'udp'],
  http: [80, 'tcp'],
  pop3: [110, 'tcp'],
  ntp: [123, 'udp'],
  imap: [143, 'tcp'],
  imap2: [143, 'tcp'],
  snmp: [161, 'both'],
  bgp: [179, 'tcp'],
  ldap: [389, 'both'],
  https: [443, 'both'],
  syslog: [514, 'udp'],
  imaps: [993, 'tcp'],
};

export interface NamedPort {
  readonly port: number;
  /** Undefined where TCP and UDP have the name for the same port. */
  readonly protocol: 'tcp' | 'udp' | undefined;
}

/** A port by its name: TCP's where the two have different ones. */
export function namedPort(name: string): NamedPort | undefined {
  const [tcp, udp] = [
    servicePort(name, 'tcp') ?? tablePort(name, 'tcp'),
    servicePort(name, 'udp') ?? tablePort(name, 'udp'),
  ];
  if (tcp !== undefined) return { port: tcp, protocol: tcp === udp ? undefined : 'tcp' };
  return udp === undefined ? undefined : { port: udp, protocol: 'udp' };
}

function tablePort(name: string, protocol: 'tcp' | 'udp'): number | undefined {
  const found = known(SERVICES, name);
  return found !== undefined && (found[1] === 'both' || found[1] === protocol) ? found[0] : undefined;
}

/** A network's number by its name, from networks(5): `loopback` is 127.0.0.0, given as it stands there. */
export function namedNetwork(name: string): string | undefined {
  for (const [first, address, ...aliases] of fileRows('/etc/networks')) {
    if ([first, ...aliases].some((one) => one?.toLowerCase() === name.toLowerCase())) return address;
  }
  return undefined;
}

/** A hardware address by a host's name, from ethers(5). */
export function namedHardwareAddress(name: string): Uint8Array | undefined {
  for (const [address, host] of fileRows('/etc/ethers')) {
    if (host !== name || address === undefined) continue;
    const bytes = address.split(':').map((part) => Number.parseInt(part, 16));
    if (bytes.length === 6 && bytes.every((byte) => byte >= 0 && byte <= 0xff)) return Uint8Array.from(bytes);
  }
  return undefined;
}

/** The words of each line, without comments; none where the file can't be read. */
function fileRows(path: string): string[][] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return [];
  }
  const rows = text.split('\n').map((line) => line.replace(/#.*/, '').trim().split(/\s+/));
  return rows.filter(([first]) => first !== undefined && first !== '');
}
