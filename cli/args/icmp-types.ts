/** The types of `raw sniff --icmp-type`: names that both versions of ICMP share, each with its numbers, or numbers. */
import { clip, UsageError } from '../../src/errors.js';
import type { IPFamily } from '../../src/sockaddr/ip.js';

export type IcmpTypes = Readonly<Record<IPFamily, readonly number[]>>;

const both = (ipv4: number, ipv6: number): IcmpTypes => ({ ipv4: [ipv4], ipv6: [ipv6] });
const v4 = (...ipv4: number[]): IcmpTypes => ({ ipv4, ipv6: [] });
const v6 = (...ipv6: number[]): IcmpTypes => ({ ipv4: [], ipv6 });

/** IANA's icmp-parameters and icmpv6-parameters, in the words of ping(8) and ip6tables(8). */
const NAMES: Readonly<Record<string, IcmpTypes>> = {
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

/**
 * The types of both families, together.
 *
 * @throws UsageError for what is neither a name nor a number
 */
export function readIcmpTypes(words: readonly string[]): IcmpTypes {
  const ipv4 = new Set<number>();
  const ipv6 = new Set<number>();
  for (const word of words) {
    const types = readType(word);
    for (const type of types.ipv4) ipv4.add(type);
    for (const type of types.ipv6) ipv6.add(type);
  }
  return { ipv4: [...ipv4], ipv6: [...ipv6] };
}

function readType(text: string): IcmpTypes {
  const name = text.toLowerCase();
  const named = Object.hasOwn(NAMES, name) ? NAMES[name] : undefined;
  if (named !== undefined) return named;
  const number = /^\d{1,3}$/.test(name) ? Number(name) : 256;
  if (number <= 255) return both(number, number);
  throw new UsageError(
    `--icmp-type: '${clip(text)}' is neither a number from 0 to 255 nor a type`,
    `the types are ${Object.keys(NAMES).join(', ')}`,
  );
}
