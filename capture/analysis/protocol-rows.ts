/**
 * What packets are, in so few rows that they fit a table on a screen: services by their port, other protocols of IP, and
 * other EtherTypes. The rows are there from the start, so that no scan of ports can fill them.
 */
import { etherTypeName, ipProtocolName } from '../../src/wire/names.js';
import { EtherType, IPProtocol } from '../../src/wire/numbers.js';
import type { FlowHeader } from './flow-header.js';

/** IANA's names of ports that are met most, shortened where people do. */
const TCP_SERVICES: readonly (readonly [number, string])[] = [
  [21, 'ftp'],
  [22, 'ssh'],
  [25, 'smtp'],
  [53, 'domain'],
  [80, 'http'],
  [179, 'bgp'],
  [389, 'ldap'],
  [443, 'https'],
  [445, 'smb'],
  [587, 'submission'],
  [853, 'domain-s'],
  [873, 'rsync'],
  [993, 'imaps'],
  [1883, 'mqtt'],
  [2049, 'nfs'],
  [3306, 'mysql'],
  [3389, 'rdp'],
  [5201, 'iperf3'],
  [5432, 'postgresql'],
  [6379, 'redis'],
  [8080, 'http-alt'],
  [9092, 'kafka'],
];
const UDP_SERVICES: readonly (readonly [number, string])[] = [
  [53, 'domain'],
  [67, 'dhcp'],
  [68, 'dhcp'],
  [123, 'ntp'],
  [137, 'netbios-ns'],
  [161, 'snmp'],
  [443, 'quic'],
  [500, 'isakmp'],
  [514, 'syslog'],
  [546, 'dhcpv6'],
  [547, 'dhcpv6'],
  [1900, 'ssdp'],
  [4500, 'ipsec-nat-t'],
  [4789, 'vxlan'],
  [5060, 'sip'],
  [5201, 'iperf3'],
  [5353, 'mdns'],
  [5355, 'llmnr'],
  [6081, 'geneve'],
  [51_820, 'wireguard'],
];
const IP_PROTOCOLS: readonly number[] = [
  IPProtocol.icmp,
  IPProtocol.icmpv6,
  IPProtocol.igmp,
  IPProtocol.ipv4,
  IPProtocol.ipv6,
  IPProtocol.gre,
  IPProtocol.esp,
  IPProtocol.ospf,
  IPProtocol.vrrp,
];
const ETHER_TYPES: readonly number[] = [
  EtherType.arp,
  EtherType.lldp,
  EtherType.mpls,
  EtherType.pppoeSession,
  0x888e, // EAPOL
  0x88f7, // PTP
];

export class ProtocolRows {
  readonly names: readonly string[];
  readonly #tcpPorts = new Uint8Array(0x1_0000);
  readonly #udpPorts = new Uint8Array(0x1_0000);
  readonly #ipProtocols = new Uint8Array(0x100);
  readonly #etherTypes = new Uint8Array(0x1_0000);
  readonly #otherIp: number;
  readonly #llc: number;

  constructor() {
    const names: string[] = ['other'];
    const row = (name: string): number => {
      const known = names.indexOf(name);
      return known < 0 ? names.push(name) - 1 : known;
    };
    this.#otherIp = row('other IP');
    this.#llc = row('LLC');
    this.#ipProtocols.fill(this.#otherIp);
    for (const protocol of [IPProtocol.tcp, IPProtocol.udp, IPProtocol.sctp]) {
      // What has no ports, as it is cut or a fragment, is among the others of its protocol.
      this.#ipProtocols[protocol] = row(`${ipProtocolName(protocol)} other`);
    }
    for (const protocol of IP_PROTOCOLS) this.#ipProtocols[protocol] = row(ipProtocolName(protocol));
    for (const type of ETHER_TYPES) this.#etherTypes[type] = row(etherTypeName(type));
    for (const [port, name] of TCP_SERVICES) this.#tcpPorts[port] = row(`TCP ${name}`);
    for (const [port, name] of UDP_SERVICES) this.#udpPorts[port] = row(`UDP ${name}`);
    this.names = names;
  }

  rowOf({ ipProtocol, etherType, sourcePort, destinationPort }: FlowHeader): number {
    if (ipProtocol < 0) {
      if (etherType < 0) return 0;
      return etherType < 0x600 ? this.#llc : (this.#etherTypes[etherType] as number);
    }
    if (sourcePort >= 0 && ipProtocol !== IPProtocol.sctp) {
      const ports = ipProtocol === IPProtocol.tcp ? this.#tcpPorts : this.#udpPorts;
      // The lower of the two ports is the service's, as a rule; the other one is asked next.
      const lower = Math.min(sourcePort, destinationPort);
      const found = ports[lower] as number;
      if (found !== 0) return found;
      const other = ports[Math.max(sourcePort, destinationPort)] as number;
      if (other !== 0) return other;
    }
    return this.#ipProtocols[ipProtocol] as number;
  }
}
