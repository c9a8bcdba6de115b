/** What a capture through a ring may be asked for, and what becomes of it: the shape of the ring, and the filter. */
import { UsageError } from '../../../src/errors.js';
import type { Logger } from '../../../src/log/events.js';
import type { RingShape } from '../../../src/socket/native/block-ring.js';
import type { RingOptions } from '../../../src/socket/native/packet-ring.js';
import { compileFilter, compileLiveFilter, DEFAULT_SNAPSHOT_LENGTH } from '../../filter/compile.js';
import type { HostTable } from '../../filter/names.js';
import { listProgram } from '../../filter/program/listing.js';
import type { Direction } from '../../record.js';
import type { CaptureEvent } from '../../source.js';
import { type DeviceLink, liveFilterOptions } from '../device-link.js';
import { directionWord, guarded } from '../guard.js';

export interface RingSourceOptions {
  /** Names of interfaces, or `any` alone, which is all of them. */
  readonly devices: readonly string[];
  /** pcap-filter(7), run by the kernel; default everything. */
  readonly filter?: string | undefined;
  /** What names of hosts in the filter stand for. */
  readonly hosts?: HostTable | undefined;
  /** Bytes kept of each packet; default, and for 0, 262,144. */
  readonly snapshotLength?: number | undefined;
  /** Bytes of the ring of each interface, default 32 MiB, in whole blocks and at least two. */
  readonly bufferSize?: number | undefined;
  /**
   * Threads that read, each a ring of its own with a share of the flows, 1 to 64; default 1, which is no other thread. With
   * more the packets of an interface are in order within a flow only.
   */
  readonly workers?: number | undefined;
  /** Somebody looks on: packets are handed over within 50 ms, in place of in full blocks. */
  readonly prompt?: boolean | undefined;
  /** Only packets that come in, or go out. */
  readonly direction?: Direction | undefined;
  /** Packets for others too, where the link brings them; default true. Nothing is left behind at the end. */
  readonly promiscuous?: boolean | undefined;
  /** Who takes the timestamps; default the kernel. */
  readonly timestamps?: 'kernel' | 'adapter' | undefined;
  /** Ends when an interface is gone, in place of waiting for it to come back. */
  readonly exitWhenGone?: boolean | undefined;
  /** For the packet sockets. */
  readonly settings?: RingOptions['settings'] | undefined;
  /** Is shown each of them once it is bound. */
  readonly onOpen?: RingOptions['onOpen'];
  readonly logger?: Logger | undefined;
  readonly onEvent?: ((event: CaptureEvent) => void) | undefined;
}

const KIB = 1024;
const DEFAULT_BUFFER = 32 * KIB * KIB;
/** Half of what 32 bits can count: places in a ring are signed numbers to the processor. */
const MAX_BUFFER = 0x7fff_ffff;
/** The shortest block: the longest packet that a link makes without being told to (GSO, 64 KiB) fits into it. */
const SMALLEST_BLOCK = 128 * KIB;
const BLOCK = { prompt: 256 * KIB, bulk: 1024 * KIB } as const;
/** The kernel looks at open blocks so often: a packet waits for twice that at most. */
const TIMEOUT_MS = { prompt: 20, bulk: 200 } as const;

/**
 * The blocks of a ring of `bufferSize` bytes.
 *
 * @throws UsageError for a size that no ring has
 */
export function ringShape(bufferSize = DEFAULT_BUFFER, prompt = false): RingShape {
  if (!Number.isInteger(bufferSize) || bufferSize < 1 || bufferSize > MAX_BUFFER) {
    throw new UsageError(`the buffer size ${bufferSize} is not a whole number from 1 to ${MAX_BUFFER}`);
  }
  const mode = prompt ? 'prompt' : 'bulk';
  let blockSize: number = BLOCK[mode];
  while (blockSize > SMALLEST_BLOCK && bufferSize / blockSize < 4) blockSize /= 2;
  return { blockSize, blocks: Math.max(2, Math.floor(bufferSize / blockSize)), timeoutMs: TIMEOUT_MS[mode] };
}

/** What is done about the filter of a link. */
export interface RingFilter {
  /** The value of SO_ATTACH_FILTER; undefined where nothing is to be kept out or cut. */
  readonly filter: string | undefined;
  /** Whether that is the whole filter: where the kernel can't run it, it is for this process. */
  readonly inKernel: boolean;
}

/**
 * What goes out through the loopback interface comes in through it again, and is shown once, as everybody shows it.
 *
 * @param loopback the number of the loopback interface, for `any`
 * @throws FilterError for an expression that means nothing on this link
 */
export function ringFilter(
  options: Pick<RingSourceOptions, 'filter' | 'hosts' | 'direction' | 'snapshotLength'>,
  link: DeviceLink,
  loopback: number | undefined,
): RingFilter {
  const { filter = '', hosts, direction, snapshotLength } = options;
  const about = { ...liveFilterOptions(link), hosts, snapshotLength: snapshotLength || DEFAULT_SNAPSHOT_LENGTH };
  // Whatever stands around it in the kernel, what is wrong with it is told as it was written.
  const inKernel = compileLiveFilter(filter, about) !== undefined;
  const wanted = inKernel ? filter : '';
  const expression = guarded(wanted, guardOf(direction, link, loopback));
  if (expression.trim() === '' && !snapshotLength) return { filter: undefined, inKernel };
  const program = compileFilter(expression, { ...about, target: 'kernel' });
  return { filter: listProgram(program, 'ddd').join(','), inKernel };
}

function guardOf(direction: Direction | undefined, link: DeviceLink, loopback: number | undefined): string | undefined {
  if (direction !== undefined) return directionWord(direction);
  if (link.loopback) return 'inbound';
  return loopback === undefined ? undefined : `not (outbound and ifindex ${loopback})`;
}
