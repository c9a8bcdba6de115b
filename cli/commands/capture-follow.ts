/** `capture follow`: one conversation's payload, in order. */
import { endText, type FollowedPiece, runPipeline, StreamFollower } from '../../capture/index.js';
import { ExitCode, UsageError } from '../../src/errors.js';
import { openFiles } from '../capture-files.js';
import type { CommandContext } from '../context.js';
import { interruptedExit } from '../exit-codes.js';
import { createFollowRenderer, type FollowStyle } from '../render/follow.js';
import { recordHead } from '../render/record.js';

interface FollowFlags {
  readonly stream?: number;
  readonly udp?: boolean;
  readonly as: FollowStyle;
  readonly side?: 'a' | 'b';
}

export async function run([files]: [string[]], flags: FollowFlags, context: CommandContext): Promise<ExitCode> {
  const source = await openFiles(files, context.signal);
  context.dropPrivileges();
  const protocol = flags.udp === true ? 'udp' : 'tcp';
  const wanted = flags.stream ?? 0;
  const follower = new StreamFollower(protocol, wanted);
  const render = createFollowRenderer(flags.as, context.json, context.color);
  const only = flags.side === undefined ? undefined : flags.side === 'a' ? 0 : 1;
  let bytes = 0;
  let opened = false;
  const tell = (pieces: readonly FollowedPiece[]): void | Promise<void> => {
    let waiting: Promise<void> | undefined;
    for (const piece of pieces) {
      if (only !== undefined && piece.side !== only) continue;
      const { found } = follower;
      if (found === undefined) continue;
      if (!opened) {
        opened = true;
        void context.output.write(render.head(found));
      }
      if (piece.bytes !== null) bytes += piece.length;
      waiting = context.output.write(render.piece(piece, found)) ?? undefined;
    }
    return waiting;
  };
  const summary = await runPipeline({
    source,
    sinks: [
      {
        write: async (batch) => {
          for (const packet of batch) await tell(follower.add(packet));
        },
        close: () => tell(follower.end()),
      },
    ],
    signal: context.signal,
  });
  await context.output.write(render.end());
  const { endReason, error } = summary;
  context.summary({
    ...recordHead('stream.summary'),
    protocol,
    stream: wanted,
    found: follower.found !== undefined,
    bytes,
    gapBytes: follower.gapBytes,
    boundsMet: follower.bounded,
    endReason,
    ...(error === undefined ? {} : { error: { code: error.code, message: error.message } }),
  });
  notice(follower, flags, context);
  if (error !== undefined) throw error;
  if (endReason === 'interrupted') return interruptedExit(bytes > 0);
  if (follower.found === undefined) {
    const known = follower.streams === 0 ? `there is no ${protocol} in it` : `there are ${follower.streams}, from 0`;
    throw new UsageError(
      `--stream ${wanted}: no such ${protocol} conversation; ${known}`,
      'list them with: sockctl capture stats FILE --conversations',
    );
  }
  return ExitCode.ok;
}

function notice(follower: StreamFollower, flags: FollowFlags, { logger }: CommandContext): void {
  const { gapBytes, bounded, streams, found } = follower;
  if (gapBytes > 0) logger.log('warn', { event: 'notice', message: `${gapBytes} bytes are missing from the capture` });
  if (bounded > 0) {
    logger.log('warn', {
      event: 'notice',
      message: `a bound of the reassembly was met ${bounded} times: what was late is missing`,
    });
  }
  if (flags.stream !== undefined || streams <= 1 || found === undefined) return;
  const name = `${endText(found.a)} and ${endText(found.b)}`;
  logger.log('info', {
    event: 'notice',
    message: `this is conversation 0 of ${streams}, ${name}; --stream N for another`,
  });
}
