/** Names of the types of ICMP, in the words of ping(8) and ip6tables(8). */
import type { IPFamily } from '../sockaddr/ip.js';

/** Numbers in each version of ICMP; a name may stand for several, of which the first is the usual one. */
export type IcmpTypes = Readonly<Record<IPFamily, readonly number[]>>;

const both = (ipv4: number, ipv6: number): IcmpTypes => ({ ipv4: [ipv4], ipv6: [ipv6] });
const v4 = (...ipv4: number[]): IcmpTypes => ({ ipv4, ipv6: [] });
const v6 = (...ipv6: number[]): IcmpTypes => ({ ipv4: [], ipv6 });

/** IANA's icmp-parameters and icmpv6-parameters; names that both versions share have the numbers of each. */
export const ICMP_TYPE_NAMES: Readonly<Record<string, IcmpTypes>> = {
  echo: both(8, 128),
  'echo-request': both(8, 128),
  'echo-reply': both(0, 129),
  unreachable: both(3, 1),
  'destination-unreachable': both(3, 1),
  'time-exceeded': both(11, 3),
  'parameter-problem': both(12, 4),
  redirect: both(5, 137),
  'router-solicitation': both(10, 133),
  'router-advertisement': both(9, 134),
  'extended-echo': both(42, 160),
  'extended-echo-reply': both(43, 161),
  'source-quench': v4(4),
  timestamp: v4(13),
  'timestamp-reply': v4(14),
  'address-mask': v4(17),
  'address-mask-reply': v4(18),
  'packet-too-big': v6(2),
  'neighbor-solicitation': v6(135),
  'neighbor-advertisement': v6(136),
  mld: v6(130, 131, 132, 143),
  'mld-query': v6(130),
  'mld-report': v6(131, 143),
  'mld-done': v6(132),
};
