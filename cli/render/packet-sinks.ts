/** Where packets go on the command line. */
import {
  type CaptureFormat,
  type CaptureSink,
  type CaptureSource,
  createDetailSink,
  createFieldsSink,
  createNdjsonSink,
  createParallelSink,
  createTextSink,
  openFileSink,
  type RenderSpec,
  type TextOptions,
  type TimeStyle,
} from '../../capture/index.js';
import { UsageError } from '../../src/errors.js';
import { type CommandContext, giveNewFile } from '../context.js';

/** The flags that all commands with packets share. */
export interface PacketFlags {
  readonly write?: string;
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

/**
 * The sinks that the flags ask for: a file with -w, else records, a table or lines on stdout.
 *
 * @param read what is read to its end: its lines may be worked out by several threads, and a copy says what it says
 * @throws UsageError for flags that contradict each other, and for fields that there are none of
 */
export async function packetSinks(
  flags: PacketFlags,
  context: CommandContext,
  read?: CaptureSource,
): Promise<CaptureSink[]> {
  const { json } = context;
  const { write: file, format, fields } = flags;
  const table = format === 'csv' || format === 'tsv';
  if (table && fields === undefined)
    throw new UsageError(`--format ${format}: of which fields?`, 'add --fields time,ip.source,…');
  if (fields !== undefined && (file !== undefined || json || flags.detail === true)) {
    const other = file !== undefined ? '-w' : json ? '--json' : '--detail';
    throw new UsageError(`--fields and ${other}: one of them`, 'a table is an output of its own');
  }
  const sinks: CaptureSink[] = [];
  if (file !== undefined) sinks.push(await writingSink(file, flags, context, read));
  if (file === undefined || flags.print === true) sinks.push(printingSink(flags, context, read));
  return sinks;
}

async function writingSink(
  file: string,
  { format, print }: PacketFlags,
  { json, account }: CommandContext,
  read: CaptureSource | undefined,
): Promise<CaptureSink> {
  if (file === '-' && (json || print === true)) {
    throw new UsageError(`-w - and ${json ? '--json' : '--print'}: both would go to stdout`, 'write to a file');
  }
  giveNewFile(file, account);
  // A copy says where the packets were captured, not where it was made.
  const section = read?.section === undefined ? {} : { section: { ...read.section, application: 'sockctl' } };
  return openFileSink(file, { ...section, ...(format === 'pcap' || format === 'pcapng' ? { format } : {}) });
}

/** @throws UsageError for a format that no table has, and for fields that there are none of */
function printingSink(flags: PacketFlags, context: CommandContext, read: CaptureSource | undefined): CaptureSink {
  const { json, output } = context;
  const { format, fields } = flags;
  const write = (lines: string | Uint8Array) => output.write(lines);
  if (fields !== undefined) {
    if (format === 'pcap' || format === 'pcapng') {
      throw new UsageError(`--format ${format}: a table has no such format`, 'csv or tsv');
    }
    return createFieldsSink(write, fields, format ?? 'csv');
  }
  if (flags.detail === true && !json) return createDetailSink(write);
  const spec: RenderSpec = json ? { kind: 'ndjson' } : { kind: 'text', options: textOptions(flags) };
  // What is on its way is to be seen at once; a file is to be done with.
  if (read !== undefined) return createParallelSink(spec, write);
  return json ? createNdjsonSink(write) : createTextSink(write, textOptions(flags));
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
