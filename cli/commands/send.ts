/** `raw send`: packets of an expression, of records or of a capture, sent as they are. */
import { networkInterfaces } from 'node:os';
import { type CapturedPacket, type CaptureSink, NO_STATISTICS } from '../../capture/index.js';
import { ExitCode, UsageError } from '../../src/errors.js';
import { portableWallClock } from '../../src/measure/clock.js';
import type { BuiltPacket, PacketLink } from '../../src/raw/send/built-packet.js';
import type { PacketExpression } from '../../src/raw/send/expression.js';
import type { Pace } from '../../src/raw/send/pace.js';
import type { AnswerProtocol } from '../../src/raw/send/packet-sockets.js';
import { type CapturedFrame, replayFrames } from '../../src/raw/send/replay.js';
import { type OutgoingPacket, type SendCounts, type SendPacketsSummary, sendPackets } from '../../src/raw/send/send.js';
import type { IPAddress } from '../../src/sockaddr/ip.js';
import { parsePrefix } from '../../src/sockaddr/prefix.js';
import { type FrameLink, openFrameLink } from '../../src/socket/native/frame-link.js';
import { backendLimit } from '../../src/socket/portable/limits.js';
import type { Layer } from '../../src/wire/layer.js';
import { LinkType } from '../../src/wire/link-types.js';
import { IPProtocol } from '../../src/wire/numbers.js';
import { FarPackets } from '../args/far-packets.js';
import { checkFarRate, FAR_RATE_MAX } from '../args/far-rate.js';
import { choosePace, type PaceFlags } from '../args/send-pace.js';
import { openFiles } from '../capture-files.js';
import type { CommandContext } from '../context.js';
import { interruptedExit } from '../exit-codes.js';
import { packetSinks } from '../render/packet-sinks.js';
import { recordHead } from '../render/record.js';
import { asCaptured, failureTeller, linkTypeOf, PacketReport, SentInterfaces, sendSummary } from '../render/send.js';
import { expressionPackets, newSeed, readExpression, totalPackets } from './send-expression.js';
import { showLayers } from './send-layers.js';
import { areFrames, capturePackets, checkCut, inspectCapture, recordPackets, unsendable } from './send-records.js';

export interface SendFlags extends PaceFlags {
  readonly interface?: string;
  readonly count?: number;
  readonly fragment?: number;
  readonly answer?: number;
  readonly dryRun?: boolean;
  readonly fromJson?: string;
  readonly file?: string;
  readonly loop?: number;
  readonly cut?: boolean;
  readonly seed?: number;
  readonly layers?: boolean | string;
  readonly detail?: boolean;
  readonly write?: string;
  readonly print?: boolean;
  readonly yes?: boolean;
}

/** What is sent, whichever way it was given. */
interface Plan {
  readonly packets: AsyncIterable<readonly OutgoingPacket[]>;
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

export async function run([text]: [string | undefined], flags: SendFlags, context: CommandContext): Promise<ExitCode> {
  if (flags.layers !== undefined) return showLayers(flags.layers === true ? text : String(flags.layers), context);
  refuseContradictions(text, flags, context);
  if (flags.file !== undefined) return sendCapture(flags.file, flags, context);
  const link = await frameLink(flags, context);
  try {
    const plan =
      text === undefined
        ? recordPlan(flags.fromJson ?? '-', flags, context)
        : await expressionPlan(text, link, flags, context);
    return flags.dryRun === true ? await show(plan, flags, context) : await send(plan, flags, context);
  } finally {
    link?.close();
  }
}

function refuseContradictions(text: string | undefined, flags: SendFlags, { json }: CommandContext): void {
  const { fromJson, file, answer, dryRun, write, print } = flags;
  const given = [
    ...(text === undefined ? [] : ['a packet']),
    ...(fromJson === undefined ? [] : ['--from-json']),
    ...(file === undefined ? [] : ['--file']),
  ];
  if (given.length === 0) {
    throw new UsageError('raw send: what is to be sent?', `write a packet: 'ip(dst=127.0.0.1)/icmp()/"hello"'`);
  }
  if (given.length > 1) throw new UsageError(`${given.join(' and ')}: one of them`);
  const refuse = (flag: keyof SendFlags, name: string, why: string, advice?: string) => {
    if (flags[flag] !== undefined) throw new UsageError(`${name}: ${why}`, advice);
  };
  if (text === undefined) {
    refuse('count', '--count', 'it is about a packet that is written', 'for a capture there is --loop');
    refuse('seed', '--seed', 'it is about a packet that is written');
  } else {
    refuse('speed', '--speed', 'a packet that is written has no time of its own', 'give --rate');
    refuse('loop', '--loop', 'it is about a capture', 'give --count');
  }
  if (file === undefined) refuse('cut', '--cut', 'it is about a capture');
  else {
    refuse('answer', '--answer', 'answers of a capture are in the capture', 'leave it out');
    refuse('fragment', '--fragment', 'packets of a capture are sent as they are', 'feed them to --from-json');
  }
  if (fromJson !== undefined) refuse('loop', '--loop', 'records are read once', 'write them into a file: --dry-run -w');
  if (file === '-' && (flags.loop ?? 1) > 1) throw new UsageError('--loop: stdin is read once', 'name a file');
  if (dryRun === true && answer !== undefined) throw new UsageError('--answer: nothing answers what is not sent');
  if (flags.detail === true && dryRun !== true) throw new UsageError('--detail: it is about --dry-run');
  if (write === '-' && (json || print === true || answer !== undefined)) {
    throw new UsageError('-w -: something else would go to stdout too', 'write to a file');
  }
}

/** What frames need to know of their interface. */
async function frameLink(
  { interface: name }: SendFlags,
  { backendChoice, logger }: CommandContext,
): Promise<FrameLink | undefined> {
  return name === undefined || backendChoice === 'portable' ? undefined : openFrameLink(name, logger);
}

/** @throws UsageError where no frames can leave */
function checkFrameLink(
  link: FrameLink | undefined,
  { interface: name }: SendFlags,
  { backendChoice }: CommandContext,
): void {
  if (backendChoice === 'portable') throw backendLimit('no packet sockets, which frames leave by');
  if (name === undefined) {
    const names = Object.keys(networkInterfaces());
    throw new UsageError('a frame leaves by an interface', `give --interface: here are ${names.join(', ')}`);
  }
  if (link === undefined || link.ethernet) return;
  throw new UsageError(
    `--interface ${name}: its frames are none of Ethernet`,
    'leave out eth() there: packets of IP go by it',
  );
}

async function expressionPlan(
  text: string,
  link: FrameLink | undefined,
  flags: SendFlags,
  context: CommandContext,
): Promise<Plan> {
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
  return {
    packets: begun(first, packets),
    first: first.done === true ? undefined : first.value[0]?.packet,
    links: [expression.outermost],
    pace,
    protocols: first.done === true ? [] : answerProtocols(first.value),
    few: total <= SHOWN,
    exact: true,
    seed: expression.needs.random ? seed : undefined,
  };
}

function recordPlan(path: string, flags: SendFlags, { signal }: CommandContext): Plan {
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
function checkFar({ destinations }: PacketExpression, total: number, pace: Pace, { yes }: SendFlags): void {
  // As fast as it goes, which is more than that in a second where there are more.
  const perSecond =
    pace.kind === 'packets'
      ? pace.perSecond
      : pace.kind === 'topspeed' && total > FAR_RATE_MAX
        ? Number.POSITIVE_INFINITY
        : 0;
  const flag = pace.kind === 'packets' ? '--rate' : `${total} packets`;
  const blocks = destinations.map(([first, last]) =>
    first.equals(last) ? first : parsePrefix(`${first}/${common(first, last)}`, { hostBits: 'clear' }),
  );
  checkFarRate({ flag, perSecond, yes }, blocks);
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

function answerProtocols(batch: readonly OutgoingPacket[]): readonly AnswerProtocol[] {
  return batch.flatMap(({ packet }) => {
    const { link } = packet;
    if (link === 'ethernet') return [];
    const transport = packet.layers.find((layer: Layer) => TRANSPORTS[layer.protocol] !== undefined);
    const protocol = transport === undefined ? undefined : TRANSPORTS[transport.protocol];
    return protocol === undefined ? [] : [{ family: link, protocol }];
  });
}

/** Addresses that everybody on a network hears, of the networks of this machine. */
function broadcastTest(): (address: IPAddress) => boolean {
  const found = new Set(['255.255.255.255']);
  for (const { cidr, family } of Object.values(networkInterfaces()).flatMap((all) => all ?? [])) {
    if (cidr !== null && family === 'IPv4') found.add(parsePrefix(cidr, { hostBits: 'clear' }).last.toString());
  }
  return (address) => found.has(address.toString());
}

/** Sends nothing: shows what would be sent. */
async function show(plan: Plan, flags: SendFlags, context: CommandContext): Promise<ExitCode> {
  const sinks = await showingSinks(plan, flags, context);
  const interfaces = new SentInterfaces(flags.interface);
  for (const link of plan.links) interfaces.of(linkTypeOf({ link }));
  for (const sink of sinks) await sink.open?.(interfaces.all);
  context.dropPrivileges();
  let number = 0;
  try {
    for await (const batch of plan.packets) {
      const captured: CapturedPacket[] = [];
      for (const { packet, fragments = [packet], time } of batch) {
        for (const one of fragments) captured.push(asCaptured(one, ++number, time ?? portableWallClock(), interfaces));
      }
      for (const sink of sinks) await sink.write(captured);
      if (context.signal.aborted) break;
    }
  } finally {
    for (const sink of sinks) await sink.close(NO_STATISTICS);
  }
  const endReason = context.signal.aborted ? 'interrupted' : 'count';
  context.summary({ ...recordHead('send.summary'), dryRun: true, packets: number, sent: 0, endReason });
  return context.interrupted() ? interruptedExit(number > 0) : ExitCode.ok;
}

async function showingSinks(plan: Plan, flags: SendFlags, context: CommandContext): Promise<CaptureSink[]> {
  const { write, print, detail } = flags;
  const frames = plan.links.includes('ethernet');
  const shown = { timestamp: 1, linkHeader: frames, hexAscii: 2, number: true };
  const sinks: CaptureSink[] = [];
  if (write !== undefined) sinks.push(...(await packetSinks({ write }, context, {})));
  if (write === undefined || print === true)
    sinks.push(...(await packetSinks(detail === undefined ? shown : { detail }, context, {})));
  return sinks;
}

async function send(plan: Plan, flags: SendFlags, context: CommandContext): Promise<ExitCode> {
  const { pace, seed } = plan;
  const interfaces = new SentInterfaces(flags.interface);
  for (const link of plan.links) interfaces.of(linkTypeOf({ link }));
  const files = flags.write === undefined ? [] : await packetSinks({ write: flags.write }, context, {});
  for (const file of files) await file.open?.(interfaces.all);
  const report = new PacketReport(context, flags.answer !== undefined);
  const shown = flags.print ?? (plan.few && flags.write !== '-');
  const far =
    flags.yes === true ? undefined : new FarPackets(plan.exact ? { kind: 'bits', perSecond: 0 } : streamed(pace));
  try {
    const summary = await sendPackets({
      backend: await context.backend(),
      logger: context.logger,
      settings: context.settings,
      interface: flags.interface,
      packets: plan.packets,
      links: plan.links,
      pace,
      exact: plan.exact,
      answerMs: flags.answer,
      answerProtocols: plan.protocols,
      isForMany: flags.answer === undefined ? undefined : broadcastTest(),
      admit:
        far === undefined
          ? undefined
          : (destination, dueMs, number) =>
              far.check(destination, pace.kind === 'topspeed' ? performance.now() : dueMs, number),
      onOpen: context.dropPrivileges,
      onSent:
        !shown && files.length === 0
          ? undefined
          : async (sent) => {
              for (const file of files)
                await file.write([asCaptured(sent.packet, sent.sequence, sent.time, interfaces)]);
              if (shown) await report.sent(sent);
            },
      onFailed: failureTeller(context),
      onAnswer: (answer) => report.answer(answer),
      onSilence: (sequence) => report.silence(sequence),
      signal: context.signal,
    });
    return finish(summary, { pace, seed }, context);
  } finally {
    for (const file of files) await file.close(NO_STATISTICS);
  }
}

/** What comes from elsewhere, as fast as it goes, is fast only where it is. */
function streamed(pace: Pace): Pace {
  return pace.kind === 'topspeed' ? { kind: 'bits', perSecond: 0 } : pace;
}

async function sendCapture(path: string, flags: SendFlags, context: CommandContext): Promise<ExitCode> {
  const { signal } = context;
  const { loop = 1, cut = false } = flags;
  const pace = choosePace(flags, 'capture');
  if (path !== '-') await inspectCapture(await openFiles([path]), cut, signal);
  let source = await openFiles([path]);
  const frames = areFrames(source.interfaces);
  const backend = await context.backend();
  if (flags.dryRun === true || !frames) {
    if (loop > 1) throw new UsageError('--loop: it is about captures of Ethernet, sent as frames', 'leave it out');
    const links: PacketLink[] = flags.interface === undefined ? ['ipv4', 'ipv6'] : ['ethernet', 'ipv4', 'ipv6'];
    const packets = capturePackets(source, cut, signal);
    const plan = { packets, links, pace, protocols: [], few: false, exact: false, seed: undefined };
    return flags.dryRun === true ? show(plan, flags, context) : send(plan, flags, context);
  }
  if (flags.write !== undefined || flags.print === true) {
    throw new UsageError('-w, --print: frames of a capture are in the capture', 'leave it out');
  }
  const link = await frameLink(flags, context);
  checkFrameLink(link, flags, context);
  link?.close();
  const far = flags.yes === true ? undefined : new FarPackets(pace);
  let opened = 0;
  async function* open(): AsyncGenerator<readonly CapturedFrame[]> {
    if (opened++ > 0) source = await openFiles([path]);
    for await (const packets of source.packets(signal)) {
      for (const packet of packets) {
        checkCut(packet, cut);
        if (packet.interface.linkType !== LinkType.ETHERNET) throw unsendable(packet);
      }
      yield packets;
    }
  }
  const summary = await replayFrames({
    backend,
    logger: context.logger,
    settings: context.settings,
    interface: flags.interface ?? '',
    open,
    loops: loop,
    pace,
    admit: far === undefined ? undefined : (destination, dueMs, number) => far.check(destination, dueMs, number),
    onOpen: context.dropPrivileges,
    onFailed: failureTeller(context),
    signal,
  });
  return finish(summary, { pace, seed: undefined }, context);
}

function finish(
  summary: SendCounts | SendPacketsSummary,
  facts: { readonly pace: Pace; readonly seed: number | undefined },
  context: CommandContext,
): ExitCode {
  sendSummary(context, summary, facts);
  const { sent, failed, firstFailure, error, endReason } = summary;
  if (error !== undefined) throw error;
  if (sent === 0 && firstFailure !== undefined) throw firstFailure;
  if (endReason === 'interrupted') return interruptedExit(sent > 0);
  const answers = 'answers' in summary ? summary.answers : undefined;
  const silent = answers !== undefined && answers.answered === 0;
  return failed > 0 || silent ? ExitCode.failed : ExitCode.ok;
}
