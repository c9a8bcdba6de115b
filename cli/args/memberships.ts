/** The multicast groups of `udp recv --join` and `raw sniff --join`. */
import { InvalidArgumentError } from 'commander';
import { clip } from '../../src/errors.js';
import { type OptionSetting, setting } from '../../src/options/settings.js';
import { option } from '../../src/options/table.js';
import type { Endpoint } from '../../src/sockaddr/endpoint.js';
import type { IPFamily } from '../../src/sockaddr/ip.js';

export interface Membership {
  readonly family: IPFamily;
  readonly setting: OptionSetting;
}

const OPTIONS = [
  ['ipv4', 'IP_ADD_MEMBERSHIP'],
  ['ipv4', 'MCAST_JOIN_SOURCE_GROUP'],
  ['ipv6', 'IPV6_ADD_MEMBERSHIP'],
  ['ipv6', 'IPV6_JOIN_SOURCE_GROUP'],
] as const;

/** The names of the options that join a group. */
export const MEMBERSHIPS: ReadonlySet<string> = new Set(OPTIONS.map(([, name]) => name));

/** One more `GROUP[,SOURCE][@INTERFACE]`, of those given so far. */
export function collectMemberships(text: string, earlier: readonly Membership[] | undefined): Membership[] {
  for (const [family, name] of OPTIONS) {
    const value = option(name).type.parse(text);
    if (value !== undefined) return [...(earlier ?? []), { family, setting: setting(name, value) }];
  }
  const expected = 'a multicast group such as 239.1.2.3, ff02::fb@eth0, or 232.1.2.3,192.0.2.1@eth0 for one source';
  throw new InvalidArgumentError(`'${clip(text)}' is not ${expected}.`);
}

/** The membership that an address to receive on stands for itself, when it is a group. */
export function membershipOf(local: Endpoint): Membership[] {
  if (local.family === 'unix' || !local.address.isMulticast) return [];
  const { address } = local;
  const [group, zone] = address.toString().split('%');
  return collectMemberships(zone === undefined ? `${group}` : `${group}@${zone}`, undefined);
}

/** What a socket is told, so that it hears these groups and, where `exact` can be had, no others. */
export function membershipSettings(memberships: readonly Membership[], exact: boolean): OptionSetting[] {
  if (memberships.length === 0) return [];
  const families = new Set(memberships.map(({ family }) => family));
  const settings = [setting('SO_REUSEADDR', true)];
  if (exact && families.has('ipv4')) settings.push(setting('IP_MULTICAST_ALL', false));
  if (exact && families.has('ipv6')) settings.push(setting('IPV6_MULTICAST_ALL', false));
  return [...settings, ...memberships.map(({ setting: joining }) => joining)];
}
