/** A plan of `raw send` carried out: its packets shown, or sent. */
import { networkInterfaces } from 'node:os';
import { type CapturedPacket, type CaptureSink, NO_STATISTICS } from '../../capture/index.js';
import { ExitCode } from '../../src/errors.js';
import { portableWallClock } from '../../src/measure/clock.js';
import { type SendCounts, type SendPacketsSummary, sendPackets } from '../../src/raw/send/send.js';
import type { IPAddress } from '../../src/sockaddr/ip.js';
import { parsePrefix } from '../../src/sockaddr/prefix.js';
import { FarPackets } from '../args/far-packets.js';
import type { SendFlags } from '../args/send-flags.js';
import type { CommandContext } from '../context.js';
import { interruptedExit } from '../exit-codes.js';
import { packetSinks } from '../render/packet-sinks.js';
import { recordHead } from '../render/record.js';
import {
  asCaptured,
  failureTeller,
  linkTypeOf,
  PacketReport,
  SentInterfaces,
  type SummaryFacts,
  sendSummary,
} from '../render/send.js';
import type { SendPlan } from './send-plan.js';

/** Sends nothing: shows what would be sent. */
export async function showPlan(plan: SendPlan, flags: SendFlags, context: CommandContext): Promise<ExitCode> {
  const sinks = await showingSinks(plan, flags, context);
  const interfaces = new SentInterfaces(flags.interface);
  for (const link of plan.links) interfaces.of(linkTypeOf({ link }));
  for (const sink of sinks) await sink.open?.(interfaces.all);
  context.dropPrivileges();
  let number = 0;
  try {
    for await (const batch of plan.packets) {
      const captured: CapturedPacket[] = [];
      for (const outgoing of batch) {
        if ('error' in outgoing) throw outgoing.error;
        const { packet, fragments = [packet], time } = outgoing;
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

async function showingSinks(plan: SendPlan, flags: SendFlags, context: CommandContext): Promise<CaptureSink[]> {
  const { write, print, detail } = flags;
  const frames = plan.links.includes('ethernet');
  const shown = { timestamp: 1, linkHeader: frames, hexAscii: 2, number: true };
  const sinks: CaptureSink[] = [];
  if (write !== undefined) sinks.push(...(await packetSinks({ write }, context, {})));
  if (write === undefined || print === true)
    sinks.push(...(await packetSinks(detail === undefined ? shown : { detail }, context, {})));
  return sinks;
}

export async function sendPlan(plan: SendPlan, flags: SendFlags, context: CommandContext): Promise<ExitCode> {
  const { pace, seed } = plan;
  const interfaces = new SentInterfaces(flags.interface);
  for (const link of plan.links) interfaces.of(linkTypeOf({ link }));
  const files = flags.write === undefined ? [] : await packetSinks({ write: flags.write }, context, {});
  for (const file of files) await file.open?.(interfaces.all);
  const report = new PacketReport(context, flags.answer !== undefined);
  const shown = flags.print ?? (plan.few && flags.write !== '-');
  // What is written was asked about before; of what comes as fast as it goes only the number counts.
  const counted = plan.exact || (pace.kind === 'topspeed' && flags.topspeed !== true);
  const far = flags.yes === true ? undefined : new FarPackets(counted ? undefined : pace);
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
          : (destinations, length, dueMs, number) =>
              far.check(destinations, length, pace.kind === 'topspeed' ? performance.now() : dueMs, number),
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
    return finishSending(summary, { pace, seed, untold: report.untold }, context);
  } finally {
    for (const file of files) await file.close(NO_STATISTICS);
  }
}

/** Addresses that everybody on a network hears, of the networks of this machine. */
function broadcastTest(): (address: IPAddress) => boolean {
  const found = new Set(['255.255.255.255']);
  for (const { cidr, family } of Object.values(networkInterfaces()).flatMap((all) => all ?? [])) {
    if (cidr !== null && family === 'IPv4') found.add(parsePrefix(cidr, { hostBits: 'clear' }).last.toString());
  }
  return (address) => found.has(address.toString());
}

/** The summary, and what it means for the exit code. @throws the error that ended it */
export function finishSending(
  summary: SendCounts | SendPacketsSummary,
  facts: SummaryFacts,
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
