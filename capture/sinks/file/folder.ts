/**
 * The folder that the files of a capture are made in. Root opens it, and the files made later, when root is given away,
 * are made within it: the way there may be closed to others. Node has no openat(2); Linux has /proc/self/fd.
 */
import * as fs from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { SockctlError, toSockctlError } from '../../../src/errors.js';
import { type Account, asAccount } from '../../../src/socket/privileges.js';

const open = promisify(fs.open);
const unlink = promisify(fs.unlink);
const fchown = promisify(fs.fchown);
const fsync = promisify(fs.fsync);

/** open(2) on Linux: a file without a name, which is gone when it is closed. Node has no name for it. */
const O_TMPFILE = 0o20200000;

/** What open(2) says where there are no such files. */
const NO_TMPFILE = new Set(['EOPNOTSUPP', 'EISDIR', 'ENOENT', 'EINVAL']);

const MODE = 0o666;
/** How often a named pipe is looked at that nobody reads. */
const READER_MS = 50;

export class FileFolder {
  readonly #path: string;
  readonly #owner: Account | undefined;
  readonly #fd: number | undefined;

  /**
   * @param file any file in it
   * @param owner whose new files are, where this process is still root
   */
  constructor(file: string, owner: Account | undefined) {
    this.#path = dirname(file);
    this.#owner = owner;
    this.#fd = openFolder(this.#path);
  }

  /**
   * Finds out whether the account that this process is going to be can make files here.
   *
   * @throws SockctlError EACCES, EROFS, … where it can't
   */
  check(): void {
    const owner = this.#otherOwner();
    try {
      if (owner === undefined) this.#probe();
      else asAccount(owner, () => this.#probe());
    } catch (error) {
      const { code, message } = toSockctlError(error, this.#path);
      // The first file is not going to be there either, and its error says more.
      if (code === 'ENOENT' || code === 'ENOTDIR') return;
      const who =
        owner === undefined ? 'the files after the first' : `the files after the first are made as ${owner.name}`;
      const advice =
        owner === undefined
          ? 'name a file in a folder that can be written'
          : `name a file in a folder of ${owner.name}, or stay root with --user root`;
      throw new SockctlError(code, { what: `${who}: ${message}`, advice, cause: error });
    }
  }

  /**
   * Opens `path`, new or emptied, for writing. An old file of somebody else, in a folder that allows it, is replaced.
   * The reader of a named pipe is waited for.
   *
   * @throws the error of open(2); the reason of `signal`
   */
  async create(path: string, signal?: AbortSignal): Promise<number> {
    const place = this.#place(path);
    if (isPipe(place)) return openPipe(place, signal);
    try {
      return await this.#createNew(place);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    try {
      return await open(place, 'w', MODE);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'EACCES') throw error;
      await unlink(place).catch(() => Promise.reject(error));
      return await this.#createNew(place);
    }
  }

  /** Makes the names of new files last; some file systems have no such thing for folders. */
  async sync(): Promise<void> {
    try {
      if (this.#fd !== undefined) await fsync(this.#fd);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EINVAL') throw error;
    }
  }

  close(): void {
    if (this.#fd !== undefined) fs.closeSync(this.#fd);
  }

  async #createNew(place: string): Promise<number> {
    const fd = await open(place, 'wx', MODE);
    const owner = this.#otherOwner();
    if (owner !== undefined) await fchown(fd, owner.uid, owner.gid);
    return fd;
  }

  #otherOwner(): Account | undefined {
    return this.#owner === undefined || process.geteuid?.() === this.#owner.uid ? undefined : this.#owner;
  }

  /** A name may lead into another folder with every file: strftime(3) may be asked for folders. */
  #place(path: string): string {
    if (this.#fd === undefined || process.platform !== 'linux' || dirname(path) !== this.#path) return path;
    return join(`/proc/self/fd/${this.#fd}`, basename(path));
  }

  /** Makes a file that nobody sees; not every file system has files without a name. */
  #probe(): void {
    if (process.platform === 'linux' && this.#fd !== undefined) {
      try {
        fs.closeSync(fs.openSync(`/proc/self/fd/${this.#fd}`, O_TMPFILE | fs.constants.O_WRONLY, 0o600));
        return;
      } catch (error) {
        if (!NO_TMPFILE.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
      }
    }
    const place = this.#place(join(this.#path, `.sockctl-${process.pid}`));
    fs.closeSync(fs.openSync(place, 'wx', 0o600));
    fs.unlinkSync(place);
  }
}

function isPipe(path: string): boolean {
  return fs.statSync(path, { throwIfNoEntry: false })?.isFIFO() === true;
}

/** open(2) would hold a thread until there is a reader, and the process with it: fifo(7). */
async function openPipe(path: string, signal: AbortSignal | undefined): Promise<number> {
  for (;;) {
    try {
      return await open(path, fs.constants.O_WRONLY | fs.constants.O_NONBLOCK);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENXIO') throw error;
    }
    // Nothing tells of a reader that comes.
    await delay(READER_MS, undefined, { signal });
  }
}

/** Undefined where it can't be opened although a file in it may be: a folder that may be entered and not read. */
function openFolder(path: string): number | undefined {
  try {
    return fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
  } catch {
    return undefined;
  }
}
