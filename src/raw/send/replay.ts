/**
 * Captured frames sent again, as fast as the kernel takes them or on an absolute schedule. They are loaded into the
 * sender's memory; a capture that fits into it is read once, however often it is sent.
 */
import { type SockctlError, toSockctlError } from '../../errors.js';
import type { Logger } from '../../log/events.js';
import { roundMs, type Timestamp } from '../../measure/clock.js';
import { Histogram } from '../../measure/histogram.js';
import { type Alarm, waitUntil } from '../../measure/pacer.js';
import type { OptionSetting } from '../../options/settings.js';
import type { IPAddress } from '../../sockaddr/ip.js';
import type { FrameSender } from '../../socket/frame-sender.js';
import type { Backend } from '../../socket/port.js';
import { DestinationReader } from './destination.js';
import { type Pace, Schedule } from './pace.js';
import { type Admit, type FailedPacket, type SendCounts, tooLarge } from './send.js';

export interface CapturedFrame {
  readonly bytes: Uint8Array;
  readonly number: number;
  readonly timestamp: Timestamp | null;
}

export interface ReplayOptions {
  readonly backend: Backend;
  readonly logger: Logger;
  readonly settings: readonly OptionSetting[];
  readonly interface: string;
  /** The frames from the first on, as often as it is called; the bytes are read before the next ones are asked for. */
  readonly open: () => AsyncIterable<readonly CapturedFrame[]>;
  /** How often all of them are sent. */
  readonly loops: number;
  readonly pace: Pace;
  readonly admit?: Admit | undefined;
  readonly onOpen?: (() => void) | undefined;
  readonly onFailed?: ((failed: FailedPacket) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Frames that are loaded at a time at most. */
const FRAMES = 65_536;
/** Frames that are due together and go in one call at most, so that those behind them are not late for it. */
const TOGETHER = 64;
/** With these no frame can leave any more. */
const FATAL: ReadonlySet<string> = new Set(['ENETDOWN', 'ENODEV', 'ENXIO', 'EBADF']);

/**
 * Sends them.
 *
 * @returns also after an error: what was sent until then, and the error. A frame that the kernel refuses is counted, and
 *   the next one is sent
 * @throws SocketError, UsageError where the socket can't be opened
 */
export async function replayFrames(options: ReplayOptions): Promise<SendCounts> {
  const { backend, logger, settings, pace } = options;
  const sender = await backend.frameSender({ interface: options.interface, settings, logger, frames: FRAMES });
  const alarm = pace.kind === 'topspeed' ? undefined : backend.alarm();
  try {
    options.onOpen?.();
    return await new Replay(sender, alarm, options).run();
  } finally {
    alarm?.close();
    await sender.close();
  }
}

class Replay {
  readonly #sender: FrameSender;
  readonly #alarm: Alarm | undefined;
  readonly #options: ReplayOptions;
  readonly #schedule: Schedule;
  readonly #lateness: Histogram | undefined;
  readonly #destinations = new DestinationReader();
  /** When the first frame was loaded, and could leave. */
  #started = Number.NaN;
  /** Of each loaded frame. */
  readonly #due = new Float64Array(FRAMES);
  readonly #numbers = new Float64Array(FRAMES);
  readonly #lengths = new Uint32Array(FRAMES);
  readonly #times: (Timestamp | null)[] = [];
  /** Where somebody asks for them. */
  readonly #goingTo: (readonly IPAddress[])[] = [];
  /** Frames from here on, up to the last that is planned, are loaded and not sent yet. */
  #next = 0;
  #planned = 0;
  #sequence = 0;
  #failed = 0;
  #firstFailure: SockctlError | undefined;

  constructor(sender: FrameSender, alarm: Alarm | undefined, options: ReplayOptions) {
    this.#sender = sender;
    this.#alarm = alarm;
    this.#options = options;
    this.#schedule = new Schedule(options.pace);
    if (options.pace.kind !== 'topspeed') this.#lateness = new Histogram();
  }

  async run(): Promise<SendCounts> {
    const { signal } = this.#options;
    let error: SockctlError | undefined;
    try {
      await this.#sendAll();
    } catch (thrown) {
      if (signal?.aborted !== true || (thrown as Error).name !== 'AbortError') error = toSockctlError(thrown);
    }
    const { sent, sentBytes } = this.#sender;
    return {
      sent,
      bytes: sentBytes,
      failed: this.#failed,
      firstFailure: this.#firstFailure,
      durationMs: Number.isNaN(this.#started) ? 0 : roundMs(performance.now() - this.#started),
      schedulingErrorMs: this.#lateness?.summary(),
      gapsCut: this.#schedule.gapsCut,
      cutMs: this.#schedule.cutMs,
      endReason: error !== undefined ? 'error' : signal?.aborted === true ? 'interrupted' : 'count',
      error,
    };
  }

  get #stopped(): boolean {
    return this.#options.signal?.aborted === true;
  }

  async #sendAll(): Promise<void> {
    const { loops } = this.#options;
    let whole = false;
    for (let loop = 0; loop < loops && !this.#stopped; loop++) {
      if (loop > 0) this.#schedule.again();
      try {
        if (whole) this.#planAgain();
        else whole = await this.#load();
      } finally {
        // Where the capture ends early, or somebody objects to a frame, those before it go all the same.
        await this.#sendLoaded();
      }
    }
  }

  /**
   * Reads the capture, and sends what has to make room for the rest of it; with a schedule, what is due meanwhile too.
   *
   * @returns whether all of it is loaded
   */
  async #load(): Promise<boolean> {
    const sender = this.#sender;
    const topspeed = this.#lateness === undefined;
    let whole = true;
    this.#clear();
    for await (const frames of this.#options.open()) {
      for (const frame of frames) {
        if (this.#stopped) return false;
        if (sender.loaded < FRAMES && sender.add(frame.bytes)) this.#plan(sender.loaded - 1, frame);
        else {
          whole = false;
          await this.#sendLoaded();
          this.#clear();
          // The memory holds the largest packet that a capture may have many times.
          if (sender.add(frame.bytes)) this.#plan(0, frame);
        }
      }
      if (!topspeed) await this.#sendLoaded();
    }
    return whole;
  }

  #clear(): void {
    this.#sender.clear();
    this.#times.length = 0;
    this.#next = 0;
    this.#planned = 0;
  }

  #plan(i: number, { bytes, number, timestamp }: CapturedFrame): void {
    const { admit } = this.#options;
    const due = this.#schedule.next(bytes.length, timestamp);
    if (admit !== undefined) {
      const destinations = this.#destinations.read(bytes, 'ethernet');
      admit(destinations, bytes.length, due, number);
      this.#goingTo[i] = destinations;
    }
    this.#due[i] = due;
    this.#numbers[i] = number;
    this.#lengths[i] = bytes.length;
    this.#times[i] = timestamp;
    this.#planned = i + 1;
  }

  /** The same frames once more. */
  #planAgain(): void {
    const { admit } = this.#options;
    const { loaded } = this.#sender;
    this.#next = 0;
    this.#planned = 0;
    for (let i = 0; i < loaded; i++) {
      const length = this.#lengths[i] as number;
      const due = this.#schedule.next(length, this.#times[i] ?? null);
      admit?.(this.#goingTo[i] as readonly IPAddress[], length, due, this.#numbers[i] as number);
      this.#due[i] = due;
      this.#planned = i + 1;
    }
  }

  async #sendLoaded(): Promise<void> {
    const planned = this.#planned;
    if (Number.isNaN(this.#started)) this.#started = performance.now();
    while (this.#next < planned && !this.#stopped) {
      const from = this.#next;
      const to = this.#lateness === undefined ? planned : await this.#untilDue(from, planned);
      if (this.#stopped) return;
      const { sent, refused } = await this.#sender.send(from, to, this.#options.signal);
      this.#next = from + sent;
      this.#sequence += sent;
      if (refused !== undefined) this.#fail(refused);
    }
  }

  /** Waits until frame `from` is due, and says up to which one they are by then. */
  async #untilDue(from: number, planned: number): Promise<number> {
    await waitUntil(this.#started + (this.#due[from] as number), this.#alarm, this.#options.signal);
    const now = performance.now() - this.#started;
    const limit = Math.min(planned, from + TOGETHER);
    let to = from;
    for (; to < limit && (to === from || (this.#due[to] as number) <= now); to++) {
      this.#lateness?.add(Math.max(0, now - (this.#due[to] as number)));
    }
    return to;
  }

  /** The frame that is next is passed over. */
  #fail(refused: SockctlError): void {
    if (FATAL.has(refused.code)) throw refused;
    const length = this.#lengths[this.#next] as number;
    const error = refused.code === 'EMSGSIZE' ? tooLarge(length, refused) : refused;
    const number = this.#numbers[this.#next] as number;
    this.#next++;
    this.#sequence++;
    this.#failed++;
    this.#firstFailure ??= error;
    this.#options.onFailed?.({ sequence: this.#sequence, number, error });
  }
}
