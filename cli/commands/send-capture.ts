/** `raw send --file`: a capture sent again. */
import { statSync } from 'node:fs';
import type { CapturedPacket } from '../../capture/index.js';
import { type ExitCode, UsageError } from '../../src/errors.js';
import type { PacketLink } from '../../src/raw/send/built-packet.js';
import { type CapturedFrame, replayFrames } from '../../src/raw/send/replay.js';
import { LinkType } from '../../src/wire/link-types.js';
import { FarPackets } from '../args/far-packets.js';
import type { SendFlags } from '../args/send-flags.js';
import { choosePace } from '../args/send-pace.js';
import { openFiles } from '../capture-files.js';
import type { CommandContext } from '../context.js';
import { failureTeller } from '../render/send.js';
import { checkFrameLink, frameLink } from './send-plan.js';
import { areFrames, capturePackets, checkCut, inspectCapture, unsendable, untilFault } from './send-records.js';
import { finishSending, sendPlan, showPlan } from './send-run.js';

export async function sendCapture(path: string, flags: SendFlags, context: CommandContext): Promise<ExitCode> {
  const { signal } = context;
  const { loop = 1, cut = false } = flags;
  const pace = choosePace(flags, 'capture');
  const link = await frameLink(flags, context);
  link?.close();
  // What is a stream can't be looked through beforehand.
  if (statSync(path, { throwIfNoEntry: false })?.isFile() === true) {
    await inspectCapture(await openFiles([path], signal), cut, signal);
  }
  let source = await openFiles([path], signal);
  const frames = areFrames(source.interfaces);
  const backend = await context.backend();
  if (flags.dryRun === true || !frames) {
    if (loop > 1) throw new UsageError('--loop: it is about captures of Ethernet, sent as frames', 'leave it out');
    const links: PacketLink[] = flags.interface === undefined ? ['ipv4', 'ipv6'] : ['ethernet', 'ipv4', 'ipv6'];
    const packets = capturePackets(source, cut, signal);
    const plan = { packets, links, pace, protocols: [], few: false, exact: false, seed: undefined };
    return flags.dryRun === true ? showPlan(plan, flags, context) : sendPlan(plan, flags, context);
  }
  if (flags.write !== undefined || flags.print === true) {
    throw new UsageError('-w, --print: frames of a capture are in the capture', 'leave it out');
  }
  checkFrameLink(link, flags, context);
  const far = flags.yes === true ? undefined : new FarPackets(pace);
  const frame = (packet: CapturedPacket): CapturedFrame => {
    checkCut(packet, cut);
    if (packet.interface.linkType !== LinkType.ETHERNET) throw unsendable(packet);
    return packet;
  };
  let opened = 0;
  async function* open(): AsyncGenerator<readonly CapturedFrame[]> {
    if (opened++ > 0) source = await openFiles([path], signal);
    for await (const packets of source.packets(signal)) yield* untilFault(packets, frame);
  }
  const summary = await replayFrames({
    backend,
    logger: context.logger,
    settings: context.settings,
    interface: flags.interface ?? '',
    open,
    loops: loop,
    pace,
    admit: far === undefined ? undefined : (...packet) => far.check(...packet),
    onOpen: context.dropPrivileges,
    onFailed: failureTeller(context),
    signal,
  });
  return finishSending(summary, { pace, seed: undefined }, context);
}
