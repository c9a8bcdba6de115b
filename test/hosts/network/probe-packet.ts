/** Packets that a prober sends, for networks that are asked without one. */
import { parseIP } from '../../../src/sockaddr/ip.js';
import { formatIPv4, formatIPv6 } from '../../../src/sockaddr/ip-text.js';
import { pseudoAddresses } from '../../../src/wire/checksum.js';
import { encodeIcmp } from '../../../src/wire/icmp.js';
import { encodeIcmpv6 } from '../../../src/wire/icmpv6.js';
import { encodeIPv4 } from '../../../src/wire/ipv4.js';
import { encodeIPv6 } from '../../../src/wire/ipv6.js';
import { encodeTcp } from '../../../src/wire/tcp.js';
import { encodeUdp } from '../../../src/wire/udp.js';
import type { NetworkModel } from '../network-model.js';

export interface Probe {
  readonly protocol: 'icmp' | 'udp' | 'tcp';
  readonly ttl?: number;
  readonly number?: number;
  readonly flow?: number;
  readonly size?: number;
  readonly trafficClass?: number;
  readonly destinationPort?: number;
}

/** A whole packet of the prober's. */
export function probePacket(model: NetworkModel, target: string, asked: Probe): Uint8Array {
  const { protocol, ttl = 64, number = 1, flow = 0, size = 32, trafficClass = 0, destinationPort = 33_434 } = asked;
  const { family } = parseIP(target);
  const own = model.topology.prober.addresses[family] as Uint8Array;
  const source = family === 'ipv4' ? formatIPv4(own, 0) : formatIPv6(own, 0);
  const addresses = pseudoAddresses(source, target);
  const data = new Uint8Array(size).map((_, i) => i);
  const ports = { sourcePort: 40_000 + flow, destinationPort };
  const echo = { identifier: flow, sequence: number };
  const body =
    protocol === 'udp'
      ? encodeUdp(ports, data, addresses)
      : protocol === 'tcp'
        ? encodeTcp({ ...ports, sequence: number, flags: ['SYN'] }, new Uint8Array(0), addresses)
        : family === 'ipv4'
          ? encodeIcmp({ icmpType: 8, ...echo }, data)
          : encodeIcmpv6({ icmpType: 128, ...echo }, data, addresses);
  const bytes = new Uint8Array((family === 'ipv4' ? 20 : 40) + body.length);
  const numbers = { icmp: family === 'ipv4' ? 1 : 58, tcp: 6, udp: 17 };
  const common = { source, destination: target };
  if (family === 'ipv4') {
    const bits = { dscp: trafficClass >> 2, ecn: trafficClass & 3, identification: number, dontFragment: true };
    bytes.set(body, encodeIPv4({ ...common, ...bits, ttl, protocolNumber: numbers[protocol] }, body.length, bytes));
  } else {
    bytes.set(
      body,
      encodeIPv6({ ...common, trafficClass, hopLimit: ttl, nextHeader: numbers[protocol] }, body.length, bytes),
    );
  }
  return bytes;
}
