/** What capture files may be asked for, and what they say of the machine unless told otherwise. */
import { cpus, machine, release, type as systemType } from 'node:os';
import type { Account } from '../../../src/socket/privileges.js';
import { packageVersion } from '../../../src/version.js';
import type { CaptureFormat } from '../../format/open.js';
import type { InterfaceText, SectionText } from '../../format/pcapng-writer.js';
import type { CaptureEvent } from '../../source.js';
import type { FileCompression } from './compression.js';
import type { Rotation } from './names.js';

export interface FileSinkOptions {
  /** Default pcapng. */
  readonly format?: CaptureFormat | undefined;
  /**
   * When packets are written: each batch at once, when 512 KiB of them are there (and at the end), or after so many
   * milliseconds at most; default 100, and 1000 with compression, whose pieces should not be small.
   */
  readonly flush?: 'packet' | 'block' | number | undefined;
  /** Have what is written on the disk (fdatasync(2)): at each flush, of which those by size do not count where there are those by time, and when a file is complete. */
  readonly fsync?: boolean | undefined;
  /** Default what the name says: `.gz` or `.zst`, else none. */
  readonly compress?: FileCompression | undefined;
  /** Several files in place of one; see {@link FileNames} for their names. */
  readonly rotation?: Rotation | undefined;
  /** Whose new files are, where root makes them and is given away afterwards. */
  readonly owner?: Account | undefined;
  /**
   * On a full or broken disk (ENOSPC, EDQUOT, EFBIG, EIO): `fail` at once, which is the default, or `count` what goes
   * nowhere from then on, and fail when closed.
   */
  readonly onFull?: 'fail' | 'count' | undefined;
  /** `rotated` and `write-failed`. */
  readonly onEvent?: ((event: CaptureEvent) => void) | undefined;
  /** Ends waiting for the reader of a named pipe. */
  readonly signal?: AbortSignal | undefined;
  /** What the section header of a pcapng file says; default this machine and this version. */
  readonly section?: SectionText | undefined;
  /** What a pcapng file says of interfaces that do not say it themselves. */
  readonly interfaces?: InterfaceText | undefined;
}

/** What a section header says of this machine and of sockctl. */
export function thisMachine(): SectionText {
  const model = cpus()[0]?.model.trim();
  return {
    hardware: model === undefined || model === '' || model === 'unknown' ? machine() : model,
    operatingSystem: `${systemType()} ${release()}`,
    application: `sockctl ${packageVersion()}`,
  };
}
