/** Which raw sockets `raw sniff` opens: one for each protocol, family and interface, with its filter and its groups. */
import { type CapturedPacket, createPacketFilter, type HostTable, type PacketFilter } from '../../capture/index.js';
import { clip, UsageError } from '../../src/errors.js';
import { type OptionSetting, setting } from '../../src/options/settings.js';
import type { SniffProtocol } from '../../src/raw/sniff.js';
import { chosenFamily, type FamilyOptions } from '../args/common.js';
import { filterSettings } from '../args/filter.js';
import { readIcmpTypes } from '../args/icmp-types.js';
import { MEMBERSHIPS, type Membership } from '../args/memberships.js';
import { type FamilyProtocol, ICMP, ICMPV6, readProtocols } from '../args/protocols.js';
import type { CommandContext } from '../context.js';
import { SNIFFED } from './sniff-source.js';

/** The flags that say what is listened to. */
export interface SocketFlags extends FamilyOptions {
  readonly protocol?: readonly string[];
  readonly icmpType?: readonly string[];
  readonly join?: readonly Membership[];
  readonly routerAlert?: boolean;
  readonly interface?: readonly string[];
}

/** What a raw socket is mostly wanted for: the control messages of both families. */
const DEFAULT_PROTOCOLS: readonly FamilyProtocol[] = [ICMP, ICMPV6];

/** IPPROTO_RAW: the protocol of sockets for router alerts of IPv6 (ipv6(7)). */
const RAW_PROTOCOL = 255;

/** Router alerts of RFC 2711: Multicast Listener Discovery, RSVP, active networks. */
const ROUTER_ALERTS: readonly number[] = [0, 1, 2];

/**
 * The sockets that the flags ask for.
 *
 * @param interfaces those that are listened on; none for all
 * @throws UsageError for flags that contradict each other, or leave nothing to listen to
 */
export function sniffSockets(
  interfaces: readonly string[],
  filtering: Filtering,
  flags: SocketFlags,
  context: CommandContext,
): SniffProtocol[] {
  const protocols = chooseProtocols(flags);
  const chosen = chooseTypes(filtering.inKernel ? protocols : withoutIPv6(protocols, flags, context), flags);
  const sockets = socketsOf(chosen, flags, filtering);
  return interfaces.length === 0 ? sockets : interfaces.flatMap((name) => onOne(name, sockets));
}

interface TypedProtocol extends FamilyProtocol {
  readonly icmpTypes?: readonly number[];
}

function chooseProtocols(flags: SocketFlags): readonly FamilyProtocol[] {
  const family = chosenFamily(flags);
  if (flags.protocol !== undefined) return readProtocols(flags.protocol, family);
  return DEFAULT_PROTOCOLS.filter((one) => family === undefined || one.family === family);
}

/** What stands for both families means IPv4 where that is all there is; IPv6 that is asked for is refused later on. */
function withoutIPv6(
  protocols: readonly FamilyProtocol[],
  flags: SocketFlags,
  { logger }: CommandContext,
): readonly FamilyProtocol[] {
  const ipv4 = protocols.filter(({ family }) => family === 'ipv4');
  const asked = protocols.some(
    (one) => one.family === 'ipv6' && !ipv4.some(({ protocol }) => protocol === one.protocol),
  );
  if (flags.protocol !== undefined && asked) return protocols;
  if (ipv4.length === 0 || ipv4.length === protocols.length) return protocols;
  logger.log('info', { event: 'fallback', message: 'portable backend: no IPv6, whose packets come without header' });
  return ipv4;
}

/**
 * The protocols, with the types of those that are ICMP.
 *
 * @throws UsageError for flags that leave nothing to listen to
 */
function chooseTypes(protocols: readonly FamilyProtocol[], { icmpType: words }: SocketFlags): readonly TypedProtocol[] {
  if (words === undefined) return protocols;
  const types = readIcmpTypes(words);
  if (!protocols.some(isIcmp)) {
    throw new UsageError('--icmp-type: there is no ICMP among the protocols', 'add --protocol icmp or icmp6');
  }
  // A version of ICMP that has none of these types has nothing to say.
  const left = protocols.filter((one) => !isIcmp(one) || types[one.family].length > 0);
  if (!left.some(isIcmp)) {
    const version = protocols.find(isIcmp)?.family === 'ipv4' ? 'ICMP' : 'ICMPv6';
    throw new UsageError(
      `--icmp-type ${clip(words.join(', '))}: ${version} has no such type`,
      'see --protocol, -4, -6',
    );
  }
  return left.map((one) => (isIcmp(one) ? { ...one, icmpTypes: types[one.family] } : one));
}

const isIcmp = ({ family, protocol }: FamilyProtocol) =>
  [ICMP, ICMPV6].some((icmp) => icmp.family === family && icmp.protocol === protocol);

/** What is wanted of the packets. */
export interface Filtering {
  readonly filter: string;
  readonly hosts: HostTable | undefined;
  /** Whether the kernel runs the filter. */
  readonly inKernel: boolean;
}

/** A socket for each protocol, and those that router alerts of IPv6 take, with their filters. */
function socketsOf(chosen: readonly TypedProtocol[], flags: SocketFlags, filtering: Filtering): SniffProtocol[] {
  const { filter, hosts, inKernel } = filtering;
  const joined = (flags.join ?? []).filter(({ family }) => chosen.some((one) => one.family === family));
  if (joined.length < (flags.join?.length ?? 0)) {
    throw new UsageError('--join: a group of a family that no protocol is of', 'see --protocol, -4 and -6');
  }
  const elsewhere = joined.map((group) => deviceOf(group.setting)).find((device) => !isHeard(device, flags));
  if (elsewhere !== undefined) {
    throw new UsageError(`--join …@${clip(elsewhere)}: not one of the interfaces`, `add -i ${clip(elsewhere)}`);
  }
  const inProcess = inKernel ? undefined : filterOf(filter, hosts);
  const sockets = chosen.map((one): SniffProtocol => {
    const { family } = one;
    const settings: OptionSetting[] = joined.filter((group) => group.family === family).map((group) => group.setting);
    if (inKernel) settings.push(...filterSettings(filter, { kind: 'raw', family }, hosts));
    if (flags.routerAlert === true && family === 'ipv4') settings.push(setting('IP_ROUTER_ALERT', true));
    return { ...one, settings, accepts: inProcess };
  });
  const ipv6 = chosen.filter(({ family }) => family === 'ipv6');
  if (flags.routerAlert !== true || ipv6.length === 0) return sockets;
  // Their sockets are of no protocol, so which are wanted is asked of each packet, and its filter with it.
  const wanted = ipv6.map(alertExpression).join(' or ');
  const accepts = filterOf(filter.trim() === '' ? wanted : `(${wanted}) and (${filter})`, hosts);
  const alerts = ROUTER_ALERTS.map(
    (routerAlert): SniffProtocol => ({ family: 'ipv6', protocol: RAW_PROTOCOL, routerAlert, accepts }),
  );
  return [...sockets, ...alerts];
}

/** The packets of a protocol that stand behind extension headers, as those with a router alert do. */
function alertExpression({ protocol, icmpTypes }: TypedProtocol): string {
  const behind = `ip6 protochain ${protocol}`;
  if (icmpTypes === undefined) return `(${behind})`;
  // The header of a router alert takes 8 bytes (RFC 2711 section 2.1), and ICMPv6 follows it.
  const types = icmpTypes.map((type) => `ip6[48] = ${type}`).join(' or ');
  return `(${behind} and ip6[40] = ${protocol} and ip6[41] = 0 and (${types}))`;
}

/** Undefined where everything passes. */
function filterOf(expression: string, hosts: HostTable | undefined): SniffProtocol['accepts'] {
  if (expression.trim() === '') return undefined;
  const filter: PacketFilter = createPacketFilter(expression, [SNIFFED], { hosts });
  return (bytes) => {
    const packet: CapturedPacket = {
      number: 0,
      timestamp: null,
      interface: SNIFFED,
      direction: 'in',
      originalLength: bytes.length,
      bytes,
    };
    return filter.matches(packet);
  };
}

/** The interface that a membership names. */
const deviceOf = ({ value }: OptionSetting) => String(value).split('@')[1];

const isHeard = (device: string | undefined, { interface: names }: SocketFlags) =>
  device === undefined || names === undefined || names.includes(device);

/**
 * The sockets of one interface, with the groups that are joined there: those that name it, and those that name none.
 */
function onOne(name: string, sockets: readonly SniffProtocol[]): SniffProtocol[] {
  const here = ({ option, value }: OptionSetting): OptionSetting[] => {
    if (!MEMBERSHIPS.has(option.name)) return [{ option, value }];
    const device = deviceOf({ option, value });
    if (device === undefined) return [{ option, value: `${value}@${name}` }];
    return device === name ? [{ option, value }] : [];
  };
  return sockets.map((one) => ({ ...one, interface: name, settings: one.settings?.flatMap(here) }));
}
