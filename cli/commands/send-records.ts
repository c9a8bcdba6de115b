/** The packets of records, as `capture read --json` writes them, and of captures. */
import type { CapturedPacket, CaptureInterface, CaptureSource } from '../../capture/index.js';
import { clip, SockctlError, toSockctlError, UsageError } from '../../src/errors.js';
import { fragmentPacket } from '../../src/raw/send/expression.js';
import { packetFromCapture, packetFromRecord } from '../../src/raw/send/from-record.js';
import type { OutgoingPacket } from '../../src/raw/send/send.js';
import { openFileStream } from '../../src/socket/file-stream.js';
import { LinkType, linkTypeName } from '../../src/wire/link-types.js';

/** The longest line: a record of the largest packet takes some 300 KiB. */
const LINE_MAX = 4 << 20;

/**
 * @param path `-` is standard input
 * @throws UsageError for a line that is none, naming it; SocketError when the file can't be read
 */
export async function* recordPackets(
  path: string,
  fragment: number | undefined,
  signal: AbortSignal,
): AsyncGenerator<readonly OutgoingPacket[]> {
  const name = path === '-' ? 'stdin' : path;
  let number = 0;
  let line = 0;
  const read = (text: string): OutgoingPacket | undefined => {
    line++;
    if (text.trim() === '') return undefined;
    const recorded = packetFromRecord(parse(text, name, line), number + 1);
    if (recorded === undefined) return undefined;
    number++;
    const { packet, time } = recorded;
    const fragments = fragment === undefined ? undefined : fragmentPacket(packet, fragment, number);
    return { packet, number: recorded.number, time, fragments };
  };
  for await (const lines of linesOf(path, name, signal)) yield* untilFault(lines, read);
}

/**
 * What is made of each item, where something is; up to one that is refused, which is thrown behind that: what is sent
 * does not depend on how the input was cut into pieces.
 */
export function* untilFault<Item, Made>(
  items: Iterable<Item>,
  make: (item: Item) => Made | undefined,
): Generator<readonly Made[], void> {
  const batch: Made[] = [];
  const faults: unknown[] = [];
  for (const item of items) {
    try {
      const made = make(item);
      if (made !== undefined) batch.push(made);
    } catch (fault) {
      faults.push(fault);
      break;
    }
  }
  if (batch.length > 0) yield batch;
  for (const fault of faults) throw fault;
}

function parse(text: string, name: string, line: number): unknown {
  try {
    return JSON.parse(text);
  } catch {
    const advice = 'write one record a line, as capture read --json does';
    throw new UsageError(`${name}, line ${line}: '${clip(text, 40)}' is no JSON`, advice);
  }
}

/** The lines of each chunk that is read. */
async function* linesOf(path: string, name: string, signal: AbortSignal): AsyncGenerator<readonly string[]> {
  const input = path === '-' ? process.stdin : await openFileStream(path);
  const stop = () => input.destroy();
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  let rest: Buffer = Buffer.alloc(0);
  let line = 0;
  try {
    for await (const chunk of input as AsyncIterable<Buffer>) {
      const all: Buffer = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      const lines: string[] = [];
      let start = 0;
      for (let end = all.indexOf(10); end >= 0; end = all.indexOf(10, start)) {
        lines.push(all.toString('utf8', start, end));
        start = end + 1;
      }
      rest = all.subarray(start);
      line += lines.length;
      if (rest.length > LINE_MAX) {
        throw new UsageError(
          `${name}, line ${line + 1}: more than ${LINE_MAX} bytes`,
          'no record of a packet is longer',
        );
      }
      yield lines;
    }
    if (rest.length > 0) yield [rest.toString('utf8')];
  } catch (error) {
    // Destroying a stream that is being read shows as an error; it was asked for.
    if (!signal.aborted) throw toSockctlError(error, name);
  } finally {
    signal.removeEventListener('abort', stop);
    input.destroy();
  }
}

/** The packets of a capture as what can be sent. @throws UsageError for one that can't be */
export async function* capturePackets(
  source: CaptureSource,
  cut: boolean,
  signal: AbortSignal,
): AsyncGenerator<readonly OutgoingPacket[]> {
  const make = (one: CapturedPacket): OutgoingPacket => {
    checkCut(one, cut);
    const packet = packetFromCapture(one.bytes, one.interface.linkType);
    if (packet === undefined) throw unsendable(one);
    return { packet, number: one.number, time: one.timestamp };
  };
  for await (const packets of source.packets(signal)) yield* untilFault(packets, make);
}

/** @throws UsageError for a packet of which only a piece was captured, unless that is to be sent */
export function checkCut({ number, bytes, originalLength }: CapturedPacket, allowed: boolean): void {
  if (allowed || bytes.length >= originalLength) return;
  throw new UsageError(
    `packet ${number}: it was cut when it was captured, ${bytes.length} of ${originalLength} bytes are there`,
    CUT_ADVICE,
  );
}

const CUT_ADVICE = '--cut sends what is there';

export function unsendable({ number, interface: from }: CapturedPacket): UsageError {
  return new UsageError(
    `packet ${number}: packets of ${linkTypeName(from.linkType)} can't be sent from here`,
    'frames of Ethernet can, and packets of IP',
  );
}

/** Of a file, not of its packets. */
const DAMAGE: ReadonlySet<string> = new Set(['TRUNCATED_CAPTURE', 'BAD_CAPTURE']);

/**
 * Looks a capture through that can be read again, so that nothing of it is sent where a packet was cut when it was
 * captured. Where the file itself ends early, or is damaged, who sends it says so, once what is whole has been sent.
 *
 * @throws UsageError for packets that were cut; SocketError when reading fails
 */
export async function inspectCapture(source: CaptureSource, cut: boolean, signal: AbortSignal): Promise<void> {
  let packets = 0;
  let pieces = 0;
  try {
    for await (const batch of source.packets(signal)) {
      packets += batch.length;
      for (const { bytes, originalLength } of batch) if (bytes.length < originalLength) pieces++;
    }
  } catch (error) {
    if (!(error instanceof SockctlError) || !DAMAGE.has(error.code)) throw error;
  }
  if (pieces === 0 || cut) return;
  throw new UsageError(`${pieces} of ${packets} packets were cut when they were captured`, CUT_ADVICE);
}

/** Whether all of it is frames, as far as its interfaces are described at its beginning. */
export function areFrames(interfaces: readonly CaptureInterface[]): boolean {
  return interfaces.every(({ linkType }) => linkType === LinkType.ETHERNET);
}
