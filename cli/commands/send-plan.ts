/** What `raw send` is to send, whichever way it was given. */
import { networkInterfaces } from 'node:os';
import { SocketError, UsageError } from '../../src/errors.js';
import type { BuiltPacket, PacketLink } from '../../src/raw/send/built-packet.js';
import type { PacketExpression } from '../../src/raw/send/expression.js';
import type { Pace } from '../../src/raw/send/pace.js';
import type { AnswerProtocol } from '../../src/raw/send/packet-sockets.js';
import type { OutgoingPacket, UnmadePacket } from '../../src/raw/send/send.js';
import type { IPAddress } from '../../src/sockaddr/ip.js';
import { IPPrefix } from '../../src/sockaddr/prefix.js';
import { type FrameLink, openFrameLink } from '../../src/socket/native/frame-link.js';
import { backendLimit } from '../../src/socket/portable/limits.js';
import type { Layer } from '../../src/wire/layer.js';
import { IPProtocol } from '../../src/wire/numbers.js';
import { farRate } from '../args/far-packets.js';
import { checkFarRate, FAR_RATE_MAX } from '../args/far-rate.js';
import type { SendFlags } from '../args/send-flags.js';
import { choosePace } from '../args/send-pace.js';
import type { CommandContext } from '../context.js';
import { expressionPackets, newSeed, readExpression, totalPackets } from './send-expression.js';
import { recordPackets } from './send-records.js';

/** What is sent, whichever way it was given. */
export interface SendPlan {
  readonly packets: AsyncIterable<readonly (OutgoingPacket | UnmadePacket)[]>;
  /** The first of them, where it is known beforehand. */
  readonly first?: BuiltPacket | undefined;
  readonly links: readonly PacketLink[];
  readonly pace: Pace;
  readonly protocols: readonly AnswerProtocol[];
  /** Whether single packets are shown unless it is said. */
  readonly few: boolean;
  /** Whether the kernel may change nothing of them. */
  readonly exact: boolean;
  readonly seed: number | undefined;
}

/** So many packets are shown one by one unless something else is said. */
const SHOWN = 50;

/** What frames need to know of their interface. */
export async function frameLink(
  { interface: name }: SendFlags,
  { backendChoice, logger }: CommandContext,
): Promise<FrameLink | undefined> {
  return name === undefined || backendChoice === 'portable' ? undefined : openFrameLink(name, logger);
}

/** @throws UsageError where no frames can leave */
export function checkFrameLink(
  link: FrameLink | undefined,
  { interface: name }: SendFlags,
  { backendChoice }: CommandContext,
): void {
  if (backendChoice === 'portable') throw backendLimit('no packet sockets, which frames leave by');
  if (name === undefined) {
    const names = Object.keys(networkInterfaces());
    throw new UsageError('a frame leaves by an interface', `give --interface: here are ${names.join(', ')}`);
  }
  if (link === undefined) return;
  if (!link.ethernet) {
    throw new UsageError(
      `--interface ${name}: its frames are none of Ethernet`,
      'leave out eth() there: packets of IP go by it',
    );
  }
  if (!link.facts.flags.includes('UP')) throw new SocketError({ syscall: 'sendmmsg', code: 'ENETDOWN', address: name });
}

export async function expressionPlan(
  text: string,
  link: FrameLink | undefined,
  flags: SendFlags,
  context: CommandContext,
): Promise<SendPlan> {
  const seed = flags.seed ?? newSeed();
  const { count = 1, fragment } = flags;
  const expression = await readExpression(text, seed, context);
  if (expression.outermost === 'ethernet' && (flags.dryRun !== true || expression.needs.sourceHardware)) {
    checkFrameLink(link, flags, context);
  }
  const pace = choosePace(flags, 'topspeed');
  const total = totalPackets(expression, count);
  if (flags.dryRun !== true) checkFar(expression, total, pace, flags);
  const packets = expressionPackets(expression, {
    count,
    fragment,
    backend: await context.backend(),
    link: expression.outermost === 'ethernet' ? link : undefined,
    interface: flags.interface,
    search: flags.dryRun !== true,
    answers: flags.answer !== undefined,
    signal: context.signal,
  });
  // What can't be made is an error before anything is opened; and neighbours are found before root is given away.
  const first = await packets.next();
  const [packet] = first.done === true ? [] : first.value.flatMap((one) => ('packet' in one ? [one.packet] : []));
  return {
    packets: begun(first, packets),
    first: packet,
    links: [expression.outermost],
    pace,
    protocols: packet === undefined ? [] : answerProtocols(packet),
    few: total <= SHOWN,
    exact: true,
    seed: expression.needs.random ? seed : undefined,
  };
}

export function recordPlan(path: string, flags: SendFlags, { signal }: CommandContext): SendPlan {
  const pace = choosePace(flags, 'topspeed');
  return {
    packets: recordPackets(path, flags.fragment, signal),
    links: flags.interface === undefined ? ['ipv4', 'ipv6'] : ['ethernet', 'ipv4', 'ipv6'],
    pace,
    protocols: ALL_PROTOCOLS,
    few: false,
    exact: false,
    seed: undefined,
  };
}

/** The iterator's first result, and the rest. */
async function* begun<Value>(first: IteratorResult<Value>, rest: AsyncGenerator<Value>): AsyncGenerator<Value> {
  if (first.done === true) return;
  yield first.value;
  yield* rest;
}

/** A product is known beforehand, with all of its addresses. */
function checkFar({ destinations, example }: PacketExpression, total: number, pace: Pace, { yes }: SendFlags): void {
  // As fast as it goes, which is more than that in a second where there are more.
  if (pace.kind === 'topspeed' && total <= FAR_RATE_MAX) return;
  const rate = farRate(pace, example.bytes.length);
  const flag = pace.kind === 'topspeed' ? `${total} packets` : rate.flag;
  const blocks = destinations.map(([first, last]) =>
    first.equals(last) ? first : new IPPrefix(first, common(first, last)),
  );
  checkFarRate({ ...rate, flag, yes }, blocks);
}

/** How many bits two addresses begin with that are the same. */
function common(first: IPAddress, last: IPAddress): number {
  const [a, b] = [first.toBytes(), last.toBytes()];
  const at = a.findIndex((byte, i) => byte !== b[i]);
  return at < 0 ? a.length * 8 : at * 8 + Math.clz32((a[at] as number) ^ (b[at] as number)) - 24;
}

const TRANSPORTS: Readonly<Record<string, number>> = {
  tcp: IPProtocol.tcp,
  udp: IPProtocol.udp,
  sctp: IPProtocol.sctp,
};
const ALL_PROTOCOLS: readonly AnswerProtocol[] = (['ipv4', 'ipv6'] as const).flatMap((family) =>
  Object.values(TRANSPORTS).map((protocol) => ({ family, protocol })),
);

function answerProtocols({ link, layers }: BuiltPacket): readonly AnswerProtocol[] {
  if (link === 'ethernet') return [];
  const transport = layers.find((layer: Layer) => TRANSPORTS[layer.protocol] !== undefined);
  const protocol = transport === undefined ? undefined : TRANSPORTS[transport.protocol];
  return protocol === undefined ? [] : [{ family: link, protocol }];
}
