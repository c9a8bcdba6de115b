/** Every layer that can be written, from the link in. A new one is a line here. */
import { plain } from '../kinds/fields.js';
import { http, ntp } from './application.js';
import { lldp, stp } from './bridge.js';
import { dhcp } from './dhcp.js';
import { dhcpv6 } from './dhcpv6.js';
import { dns, mdns } from './dns.js';
import { authentication, destination, esp, fragment, hopByHop, routing } from './extension.js';
import { igmp } from './groups.js';
import { icmp } from './icmp.js';
import { icmpv6 } from './icmpv6.js';
import { arp, ethernet, llc, snap, vlan } from './link.js';
import { ipv4, ipv6 } from './network.js';
import { payload } from './payload.js';
import { chap, ipcp, ipv6cp, lcp, pap, ppp, pppoe } from './ppp.js';
import { ospf, vrrp } from './routing-protocols.js';
import type { LayerSpec } from './spec.js';
import { sctp, tcp, udp } from './transport.js';
import { geneve, gre, mpls, vxlan } from './tunnels.js';

export const LAYERS: readonly LayerSpec[] = [
  ...[ethernet, vlan, arp, llc, snap, stp, lldp, pppoe, ppp, lcp, ipcp, ipv6cp, pap, chap, mpls],
  ...[ipv4, ipv6, hopByHop, destination, routing, fragment, authentication, esp],
  ...[icmp, icmpv6, igmp, tcp, udp, sctp, gre, vxlan, geneve, ospf, vrrp],
  ...[dns, mdns, dhcp, dhcpv6, ntp, http, payload],
];

const BY_NAME: ReadonlyMap<string, LayerSpec> = new Map(
  LAYERS.flatMap((spec) => [...spec.names, spec.protocol].map((name) => [plain(name), spec] as const)),
);

export const findLayer = (name: string): LayerSpec | undefined => BY_NAME.get(plain(name));

export const LAYER_NAMES: readonly string[] = LAYERS.flatMap(({ names }) => names);
