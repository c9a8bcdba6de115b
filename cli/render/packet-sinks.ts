/** Where packets go on the command line. */
import {
  type CaptureEvent,
  type CaptureFormat,
  type CaptureSink,
  type CaptureSource,
  createDetailSink,
  createFieldsSink,
  createNdjsonSink,
  createParallelSink,
  createTextSink,
  type FileCompression,
  openFileSink,
  type RenderSpec,
  type Rotation,
  type TextOptions,
  type TimeStyle,
  thisMachine,
} from '../../capture/index.js';
import { describeCode, UsageError } from '../../src/errors.js';
import type { CommandContext } from '../context.js';
import { recordHead } from './record.js';

/** The flags about the files that packets are written to. */
interface FileFlags {
  readonly write?: string;
  readonly rotateSize?: number;
  readonly rotateTime?: number;
  readonly files?: number;
  readonly flush?: 'packet' | 'block' | number;
  readonly fsync?: boolean;
  readonly compress?: FileCompression;
  readonly comment?: readonly string[];
}

/** The flags that all commands with packets share. */
export interface PacketFlags extends FileFlags {
  /** With `write`: the packets are printed too. */
  readonly print?: boolean;
  readonly format?: CaptureFormat | 'csv' | 'tsv';
  readonly fields?: string;
  readonly detail?: boolean;
  /** How often each was given, as with tcpdump. */
  readonly hex?: number;
  readonly hexAscii?: number;
  readonly ascii?: number;
  readonly timestamp?: number;
  readonly nano?: boolean;
  readonly utc?: boolean;
  readonly number?: boolean;
  readonly linkHeader?: boolean;
  readonly verbose?: number;
}

const TIME_STYLES: readonly TimeStyle[] = ['time', 'none', 'epoch', 'delta', 'date', 'elapsed'];

/** Where the packets come from. */
interface Origin {
  /** What is read to its end: its lines may be worked out by several threads, and a copy says what it says. */
  readonly read?: CaptureSource;
  /** Which packets are captured. */
  readonly filter?: string;
}

/**
 * The sinks that the flags ask for: files with -w, else records, a table or lines on stdout.
 *
 * @throws UsageError for flags that contradict each other, and for fields that there are none of
 */
export async function packetSinks(flags: PacketFlags, context: CommandContext, origin: Origin): Promise<CaptureSink[]> {
  checkPacketFlags(flags, context);
  const { write: file } = flags;
  const sinks: CaptureSink[] = [];
  if (file !== undefined) sinks.push(await fileSink(file, flags, context, origin));
  if (file === undefined || flags.print === true) sinks.push(printingSink(flags, context, origin));
  return sinks;
}

/**
 * For commands that have something to open before they can have sinks.
 *
 * @throws UsageError for flags that contradict each other
 */
export function checkPacketFlags(flags: PacketFlags, { json }: Pick<CommandContext, 'json'>): void {
  const { write: file, format, fields, comment = [] } = flags;
  if (isTable(format) && fields === undefined) {
    throw new UsageError(`--format ${format}: of which fields?`, 'add --fields time,ip.source,…');
  }
  if (fields !== undefined && (file !== undefined || json || flags.detail === true)) {
    const other = file !== undefined ? '-w' : json ? '--json' : '--detail';
    throw new UsageError(`--fields and ${other}: one of them`, 'a table is an output of its own');
  }
  if (fields !== undefined && (format === 'pcap' || format === 'pcapng')) {
    throw new UsageError(`--format ${format}: a table has no such format`, 'csv or tsv');
  }
  if (file === undefined) refuseFileFlags(flags);
  if (file === '-' && (json || flags.print === true)) {
    throw new UsageError(`-w - and ${json ? '--json' : '--print'}: both would go to stdout`, 'write to a file');
  }
  if (comment.length > 0 && format === 'pcap') {
    throw new UsageError('--comment: pcap has no place for it', 'use --format pcapng');
  }
  if (flags.files !== undefined && flags.rotateSize === undefined && flags.rotateTime === undefined) {
    throw new UsageError('-W: when is a file full?', 'add -C SIZE or -G SECONDS');
  }
}

function isTable(format: PacketFlags['format']): format is 'csv' | 'tsv' {
  return format === 'csv' || format === 'tsv';
}

/** @throws UsageError for fields that there are none of */
function printingSink(flags: PacketFlags, context: CommandContext, { read }: Origin): CaptureSink {
  const { json, output } = context;
  const { format, fields } = flags;
  const write = (lines: string | Uint8Array) => output.write(lines);
  if (fields !== undefined) return createFieldsSink(write, fields, isTable(format) ? format : 'csv');
  if (flags.detail === true && !json) return createDetailSink(write);
  const spec: RenderSpec = json ? { kind: 'ndjson' } : { kind: 'text', options: textOptions(flags) };
  // What is on its way is to be seen at once; a file is to be done with.
  if (read !== undefined) return createParallelSink(spec, write);
  return json ? createNdjsonSink(write) : createTextSink(write, textOptions(flags));
}

const FILE_FLAGS: readonly (readonly [keyof FileFlags, string])[] = [
  ['rotateSize', '-C'],
  ['rotateTime', '-G'],
  ['files', '-W'],
  ['flush', '--flush'],
  ['fsync', '--fsync'],
  ['compress', '--compress'],
  ['comment', '--comment'],
];

/** @throws UsageError for flags about a file where there is none */
export function refuseFileFlags(flags: FileFlags): void {
  const about = FILE_FLAGS.find(([name]) => flags[name] !== undefined)?.[1];
  if (about !== undefined) throw new UsageError(`${about} without -w: it is about a file`, 'add -w FILE');
}

async function fileSink(
  file: string,
  flags: PacketFlags,
  context: CommandContext,
  { read, filter }: Origin,
): Promise<CaptureSink> {
  const { json, output, logger, account, signal } = context;
  const { format, flush, fsync, compress, comment = [] } = flags;
  const here = thisMachine();
  // A copy says where the packets were captured, not where it was made.
  const section = read?.section ?? here;
  return openFileSink(file, {
    format: isTable(format) ? undefined : format,
    signal,
    flush,
    fsync,
    compress,
    rotation: rotation(file, flags, context),
    owner: account,
    section: {
      ...section,
      application: here.application,
      comments: [...(read?.section?.comments ?? []), ...comment],
    },
    interfaces: read !== undefined ? {} : { filter: filter || undefined, operatingSystem: here.operatingSystem },
    // What runs for weeks goes on without a disk; a copy with a hole is none.
    onFull: read === undefined ? 'count' : 'fail',
    onEvent: (event: CaptureEvent) => {
      if (json) void output.record({ ...recordHead('capture.event'), ...event });
      if (event.event === 'rotated') {
        const message = `${event.file} is complete: ${event.packets} packets; now ${event.next}`;
        logger.log('info', { event: 'notice', message });
      } else if (event.event === 'write-failed') {
        const message = `${event.file}: ${describeCode(event.code).message} (${event.code}); nothing is written any more`;
        logger.log('warn', { event: 'notice', message });
      }
    },
  });
}

function rotation(file: string, flags: FileFlags, { logger }: CommandContext): Rotation | undefined {
  const { rotateSize: size, rotateTime: intervalMs, files } = flags;
  if (size === undefined && intervalMs === undefined) return undefined;
  if (intervalMs !== undefined && size === undefined && !file.includes('%') && files !== 1) {
    const message = `-G: each file overwrites the one before; put its time into the name, such as ${file}-%F_%T`;
    logger.log('warn', { event: 'notice', message });
  }
  return { size, intervalMs, files };
}

function textOptions(flags: PacketFlags): TextOptions {
  const { hex = 0, hexAscii = 0, ascii = 0, timestamp = 0, nano, utc, number, linkHeader, verbose = 0 } = flags;
  const dump = hexAscii > 0 ? 'ascii' : hex > 0 ? 'hex' : ascii > 0 ? 'text' : undefined;
  return {
    link: linkHeader,
    verbose: verbose > 0,
    numbers: number,
    hex: dump,
    hexLink: Math.max(hex, hexAscii, ascii) > 1,
    time: TIME_STYLES[Math.min(timestamp, TIME_STYLES.length - 1)],
    nanoseconds: nano,
    utc,
  };
}
