/**
 * Tables of the kernel, kept the same here: read once (a dump), then changed as the kernel tells news. Where news are lost
 * or a dump was disturbed, the table is read again and the difference told, so that whoever listens ends up with what is
 * there, if not with every step on the way to it.
 *
 * What comes during a dump: an entry of the dump may be older than news of the same entry that came before it, so news win
 * until the dump is over; a change after the dump has looked is always followed by news of its own.
 */
import { SocketError } from '../../../errors.js';
import type { Logger } from '../../../log/events.js';
import type { Libc } from '../libc.js';
import {
  type NetlinkMessage,
  NLM_F_DUMP_INTR,
  NLM_F_MULTI,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSG_NOOP,
  NLMSG_OVERRUN,
} from './message.js';
import { type NetlinkGroup, NetlinkSocket } from './socket.js';

/** One of the kernel's tables. */
export interface Table<Key, Facts> {
  readonly groups: readonly NetlinkGroup[];
  /** The message types of rtnetlink(7): ask for all, an entry that is there, an entry that is gone. */
  readonly get: number;
  readonly there: number;
  readonly gone: number;
  /** The structure that goes with `get`. */
  readonly request: Uint8Array;
  /** The entry that a body is about; undefined for what is none of this table's. */
  decode(body: Uint8Array): Facts | undefined;
  key(facts: Facts): Key;
  /** Whether a change from one to the other is not worth telling. */
  same(before: Facts, after: Facts): boolean;
  /** `before` is undefined for a new entry, `after` for one that is gone. Called when {@link entries} has it already. */
  onChange(before: Facts | undefined, after: Facts | undefined): void;
  readonly entries: Map<Key, Facts>;
}

type AnyTable = Table<unknown, unknown>;

/** A dump that is going on. */
interface Dump {
  readonly table: AnyTable;
  readonly sequence: number;
  /** Keys that the dump had, and those that there were news of meanwhile. */
  readonly seen: Set<unknown>;
  readonly touched: Set<unknown>;
  disturbed: boolean;
  /** How often it was found to have stopped. */
  stops: number;
}

export interface MirrorOptions {
  readonly logger: Logger;
  /** Called once, when the socket has failed and is closed. */
  onFailure(error: SocketError): void;
  /** Whether the process runs on for the mirror alone. */
  readonly keepAlive: boolean;
}

interface Waiter {
  resolve(): void;
  reject(error: SocketError): void;
}

/**
 * While interfaces come and go all the time every dump is disturbed. After so many whoever waits is given what they had
 * together; it is read again all the same until one is not.
 */
const DISTURBED_MAX = 8;

/** A kernel that has no memory for a dump after so many tries will not have any. */
const STOPS_MAX = 1000;
/** What a dump is refused with while there is no room for it, or the one before it is not over. */
const REFUSED_FOR_NOW = ['ENOBUFS', 'ENOMEM', 'EBUSY', 'EAGAIN', 'EINTR'];

export class Mirror {
  readonly #tables: readonly AnyTable[];
  readonly #socket: NetlinkSocket;
  readonly #libc: Libc;
  readonly #options: MirrorOptions;
  readonly #due: Set<AnyTable>;
  #dump: Dump | undefined;
  /** Dumps that were, since everything was known last. */
  #disturbed = 0;
  /** News are lost, and there may be older ones left to read. */
  #behind = false;
  /** Nothing is told before everything is read for the first time. */
  #opening = true;
  #closed = false;
  #waiters: Waiter[] = [];

  private constructor(libc: Libc, tables: readonly AnyTable[], options: MirrorOptions) {
    this.#libc = libc;
    this.#tables = tables;
    this.#options = options;
    this.#due = new Set(tables);
    this.#socket = new NetlinkSocket(
      libc,
      tables.flatMap(({ groups }) => groups),
      options.logger,
      {
        message: (message) => this.#message(message),
        lost: () => this.#lost(),
        drained: () => this.#drained(),
        failed: (error) => this.#failed(error),
      },
    );
  }

  /**
   * Reads the tables, and follows them from then on.
   *
   * @throws SocketError
   */
  static async open(libc: Libc, tables: readonly AnyTable[], options: MirrorOptions): Promise<Mirror> {
    const mirror = new Mirror(libc, tables, options);
    await mirror.#wait();
    return mirror;
  }

  /**
   * Reads the tables again, for what changes without news: counters.
   *
   * @throws SocketError when the socket fails meanwhile
   */
  refresh(): Promise<void> {
    for (const table of this.#tables) this.#due.add(table);
    return this.#wait();
  }

  /**
   * Whether news are read, which they are at first: for an owner that can't take more of them now. Nothing is kept
   * meanwhile; afterwards the difference is told.
   */
  follow(wanted: boolean): void {
    if (!this.#closed) this.#socket.read(wanted);
  }

  /** Idempotent. Nothing is told any more; a refresh that goes on ends. */
  close(): void {
    this.#closed = true;
    this.#socket.close();
    for (const { resolve } of this.#waiters.splice(0)) resolve();
  }

  /** Until all tables that are due are read. */
  #wait(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return resolve();
      this.#waiters.push({ resolve, reject });
      this.#socket.hold(true);
      return this.#next();
    });
  }

  /** Starts the next dump that is due; a socket has one at a time. */
  #next(): void {
    if (this.#dump !== undefined || this.#behind || this.#closed) return;
    const [table] = this.#due;
    if (table === undefined) return;
    this.#due.delete(table);
    const sequence = this.#socket.dump(table.get, table.request);
    if (sequence === undefined) return;
    this.#dump = { table, sequence, seen: new Set(), touched: new Set(), disturbed: false, stops: 0 };
  }

  #message(message: NetlinkMessage): void {
    const { type, flags, sequence, port, body } = message;
    const ours = port === this.#socket.port && sequence === this.#dump?.sequence;
    switch (type) {
      case NLMSG_NOOP:
        return;
      case NLMSG_OVERRUN:
        this.#lost();
        return;
      case NLMSG_ERROR:
      case NLMSG_DONE:
        if (ours) this.#ended(body, flags);
        return;
      default:
        // News carry the number of the request that has made them, which may be any process's; only dumps have parts.
        if ((flags & NLM_F_MULTI) === 0) this.#news(type, body);
        else if (ours) this.#entry(flags, body);
    }
  }

  #news(type: number, body: Uint8Array): void {
    for (const table of this.#tables) {
      if (type !== table.there && type !== table.gone) continue;
      const facts = table.decode(body);
      if (facts === undefined) return;
      if (this.#dump?.table === table) this.#dump.touched.add(table.key(facts));
      if (type === table.there) this.#put(table, facts);
      else this.#remove(table, table.key(facts));
    }
  }

  #entry(flags: number, body: Uint8Array): void {
    const dump = this.#dump;
    if (dump === undefined) return;
    if ((flags & NLM_F_DUMP_INTR) !== 0) dump.disturbed = true;
    const facts = dump.table.decode(body);
    if (facts === undefined) return;
    const key = dump.table.key(facts);
    dump.seen.add(key);
    if (!dump.touched.has(key)) this.#put(dump.table, facts);
  }

  /** The last message of a dump, which begins with an error number or with 0. */
  #ended(body: Uint8Array, flags: number): void {
    const dump = this.#dump;
    if (dump === undefined) return;
    this.#dump = undefined;
    const errno = body.length < 4 ? 0 : -new DataView(body.buffer, body.byteOffset).getInt32(0, true);
    if (errno > 0) {
      const code = this.#libc.errnoName(errno);
      if (REFUSED_FOR_NOW.includes(code) && this.#disturbed < STOPS_MAX) {
        this.#disturbed++;
        this.#due.add(dump.table);
      } else this.#failed(new SocketError({ syscall: 'netlink dump', code, errno }));
      return;
    }
    const { table } = dump;
    if (dump.disturbed || (flags & NLM_F_DUMP_INTR) !== 0) {
      // What it lacks may be there all the same.
      this.#disturbed++;
      this.#due.add(table);
      return;
    }
    for (const key of table.entries.keys()) {
      if (!dump.seen.has(key) && !dump.touched.has(key)) this.#remove(table, key);
    }
  }

  /**
   * Nothing is left to read. Now a dump may begin: the kernel drops news, without another word, from the moment that the
   * buffer was full until it is empty, so that one begun before would miss what came after it, and lose to older news.
   */
  #drained(): void {
    this.#behind = false;
    if (this.#dump === undefined && (this.#due.size === 0 || this.#disturbed >= DISTURBED_MAX)) {
      this.#opening = false;
      this.#disturbed = 0;
      if (this.#waiters.length > 0) this.#socket.hold(this.#options.keepAlive);
      for (const { resolve } of this.#waiters.splice(0)) resolve();
    }
    if (this.#dump === undefined) this.#next();
    else this.#goOn(this.#dump);
  }

  /** Nothing is left to read, and yet the dump is not over: it has stopped. */
  #goOn(dump: Dump): void {
    if (++dump.stops <= STOPS_MAX) this.#socket.nudge();
    else this.#failed(new SocketError({ syscall: 'netlink dump', code: 'ENOBUFS' }));
  }

  #lost(): void {
    this.#behind = true;
    for (const table of this.#tables) this.#due.add(table);
    if (this.#dump !== undefined) this.#dump.disturbed = true;
    this.#options.logger.log('debug', { event: 'notice', message: 'netlink: news were lost, reading all again' });
  }

  #failed(error: SocketError): void {
    if (this.#closed) return;
    const waiters = this.#waiters.splice(0);
    this.close();
    for (const { reject } of waiters) reject(error);
    // Whoever waits for the first dump is told by that.
    if (!this.#opening) this.#options.onFailure(error);
  }

  #put(table: AnyTable, facts: unknown): void {
    const key = table.key(facts);
    const before = table.entries.get(key);
    table.entries.set(key, facts);
    if (before === undefined || !table.same(before, facts)) this.#tell(table, before, facts);
  }

  #remove(table: AnyTable, key: unknown): void {
    const before = table.entries.get(key);
    if (!table.entries.delete(key) || before === undefined) return;
    this.#tell(table, before, undefined);
  }

  #tell(table: AnyTable, before: unknown, after: unknown): void {
    if (!this.#opening && !this.#closed) table.onChange(before, after);
  }
}
