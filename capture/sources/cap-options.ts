/** What a capture through cap may be asked for, and what becomes of it. */
import { UsageError } from '../../src/errors.js';
import type { Logger } from '../../src/log/events.js';
import type { Account } from '../../src/socket/privileges.js';
import type { Direction } from '../record.js';
import type { CaptureEvent } from '../source.js';
import { checkDevice, checkFilter } from './cap-errors.js';
import { CAP_SNAPSHOT_LENGTH, type CaptureRequest } from './cap-messages.js';
import { directionWord, guarded } from './guard.js';

export interface CapOptions {
  /** An interface's name, or `any`. */
  readonly device: string;
  /** pcap-filter(7), run by the kernel; default everything. */
  readonly filter?: string | undefined;
  /** Bytes kept of each packet, 1 to 65,535 (the default; cap takes no more). 0 means as many as possible. */
  readonly snapshotLength?: number | undefined;
  /** Bytes of the kernel's ring, default 32 MiB; one packet of loopback takes 64 KiB of it. */
  readonly bufferSize?: number | undefined;
  /** Only packets that come in, or go out. */
  readonly direction?: Direction | undefined;
  /** cap can't turn promiscuous mode off: false is an error. */
  readonly promiscuous?: boolean | undefined;
  /** Bytes that may wait in the child while the consumer is busy, default 32 MiB; what comes beyond is counted. */
  readonly queueSize?: number | undefined;
  /** Who the capturing process becomes once the device is open. */
  readonly account?: Account | undefined;
  readonly logger?: Logger | undefined;
  readonly onEvent?: ((event: CaptureEvent) => void) | undefined;
  /** The compiled cap.js, where it does not stand next to this file. */
  readonly program?: URL | undefined;
}

const MIB = 1024 * 1024;
const MAX_BUFFER = 0x7fff_ffff;

/**
 * The request for the child process.
 *
 * @throws UsageError for values out of range, and BACKEND_LIMIT for what cap can't do; SocketError ENODEV
 */
export function captureRequest(options: CapOptions): CaptureRequest {
  const { device, direction, filter = '', snapshotLength = 0, bufferSize = 32 * MIB } = options;
  checkDevice(device);
  checkFilter(filter);
  if (options.promiscuous === false) {
    throw new UsageError('cap always captures in promiscuous mode', undefined, 'BACKEND_LIMIT');
  }
  if (!Number.isInteger(snapshotLength) || snapshotLength < 0) {
    throw new UsageError(`the snapshot length ${snapshotLength} is not a whole number from 0 up`);
  }
  if (!Number.isInteger(bufferSize) || bufferSize < 1 || bufferSize > MAX_BUFFER) {
    throw new UsageError(`the buffer size ${bufferSize} is not a whole number from 1 to ${MAX_BUFFER}`);
  }
  return {
    device,
    filter: guarded(filter, direction === undefined ? undefined : directionWord(direction)),
    snapshotLength: Math.min(snapshotLength || CAP_SNAPSHOT_LENGTH, CAP_SNAPSHOT_LENGTH),
    bufferSize,
    queueSize: options.queueSize ?? 32 * MIB,
    account: options.account,
  };
}
