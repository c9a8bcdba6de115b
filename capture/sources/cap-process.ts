/**
 * Live capture through the cap package, which runs in a child process (cap.ts): this is its parent, and the source.
 *
 * The child takes itself out of the terminal's process group and ignores the signals that ask to stop; only the end of
 * its stdin stops it, which also comes when this process dies.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { clip, SockctlError } from '../../src/errors.js';
import { type Logger, silentLogger } from '../../src/log/events.js';
import { PcapReader } from '../format/pcap.js';
import type { CapturedPacket, CaptureInterface } from '../record.js';
import type { CaptureSource, CaptureStatistics } from '../source.js';
import { interfaceState, openError } from './cap-errors.js';
import type { CapMessage, CaptureRequest } from './cap-messages.js';
import { type CapOptions, captureRequest } from './cap-options.js';
import { interfaceDrops } from './interface-drops.js';

/** How long a stopping child may take before it is killed. */
const STOP_MS = 2000;
const STDERR_KEPT = 4096;

/**
 * Starts capturing; resolves when the device is open and the filter compiled.
 *
 * Timestamps are taken when a packet arrives in user space. Drops in the kernel are not known.
 *
 * @throws SockctlError BACKEND_MISSING; SocketError ENODEV, EPERM, EACCES, ENETDOWN; UsageError BAD_FILTER,
 *   BACKEND_LIMIT for what cap can't do
 */
export async function openCapSource(options: CapOptions): Promise<CaptureSource> {
  const { device, filter = '', logger = silentLogger } = options;
  const request = captureRequest(options);
  const program = options.program ?? new URL('./cap.js', import.meta.url);
  const child = fork(program, [JSON.stringify(request)], {
    stdio: ['pipe', 'pipe', 'pipe', 'ipc'],
    execArgv: [],
    detached: true,
  });
  const source = new CapSource(child, request, { ...options, logger });
  await source.opened(filter);
  logger.log('debug', { event: 'notice', message: `capturing on ${device} in process ${child.pid ?? '?'}` });
  return source;
}

class CapSource implements CaptureSource {
  readonly timestampSource = 'user';
  readonly #child: ChildProcess & { readonly stdin: Writable; readonly stdout: Readable };
  readonly #request: CaptureRequest;
  readonly #options: CapOptions & { readonly logger: Logger };
  readonly #reader: PcapReader;
  readonly #exited: Promise<unknown>;
  readonly #dropsBefore: number | null;
  /** Packets that came together with the header. */
  readonly #early: CapturedPacket[] = [];
  #delivered = 0;
  #stderr = '';
  #received = 0;
  #dropped = 0;
  #stopping = false;
  #iterating = false;

  constructor(child: ChildProcess, request: CaptureRequest, options: CapOptions & { readonly logger: Logger }) {
    if (child.stdin === null || child.stdout === null) throw new Error('the child has no pipes');
    this.#child = child as typeof child & { stdin: Writable; stdout: Readable };
    this.#request = request;
    this.#options = options;
    this.#reader = new PcapReader(request.device);
    this.#dropsBefore = interfaceDrops(request.device);
    this.#exited = Promise.all([once(child, 'exit'), once(child, 'disconnect')]);
    this.#exited.catch(() => undefined);
    // libpcap's warnings and, should it come to that, the assertion that ended the child.
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_KEPT);
    });
    // The child may end before it is told to.
    child.stdin.on('error', () => undefined);
    child.on('message', (message: CapMessage) => this.#onMessage(message));
  }

  get interfaces(): readonly CaptureInterface[] {
    return this.#reader.interfaces;
  }

  /** Resolves when packets flow, rejects when they will not. */
  async opened(filter: string): Promise<void> {
    const child = this.#child;
    const { device } = this.#request;
    const { promise, resolve, reject } = withResolvers();
    const onMessage = (message: CapMessage): void => {
      if (message.type === 'ready') resolve();
      else if (message.type === 'error') {
        reject(openError(message.failure, clip(message.message, 200), device, clip(filter)));
      }
    };
    const onError = (cause: Error): void => reject(new SockctlError('CAPTURE_DIED', { what: cause.message, cause }));
    const onExit = (): void => reject(this.#died());
    child.on('message', onMessage).on('error', onError).on('exit', onExit);
    try {
      await promise;
      await this.#readHeader();
    } catch (error) {
      await this.close();
      throw error;
    } finally {
      child.off('message', onMessage).off('exit', onExit);
    }
  }

  /** The child sends the stream's header before anything else: from then on the interface is known. */
  async #readHeader(): Promise<void> {
    const { stdout } = this.#child;
    while (this.#reader.interfaces.length === 0) {
      const chunk = stdout.read() as Buffer | null;
      if (chunk !== null) this.#early.push(...this.#reader.push(chunk));
      else if (stdout.readableEnded) throw this.#died();
      else await Promise.race([once(stdout, 'readable'), once(stdout, 'end')]);
    }
  }

  #onMessage(message: CapMessage): void {
    if (message.type !== 'stats') return;
    const { device } = this.#request;
    this.#received = message.received;
    if (message.dropped === this.#dropped) return;
    this.#dropped = message.dropped;
    const text = `${device}: ${message.dropped} packets dropped, this program was too slow`;
    this.#options.logger.log('warn', { event: 'drops', message: text });
    this.#options.onEvent?.({ event: 'drops', interface: device, dropped: message.dropped });
  }

  async *packets(signal?: AbortSignal): AsyncGenerator<readonly CapturedPacket[], undefined> {
    const stop = (): void => this.#stop();
    if (signal?.aborted === true) stop();
    signal?.addEventListener('abort', stop, { once: true });
    this.#iterating = true;
    try {
      const early = this.#early.splice(0);
      this.#delivered += early.length;
      if (early.length > 0) yield early;
      // Until the child is gone: what it caught before it was stopped, or before it died, is all in here.
      for await (const chunk of this.#child.stdout) {
        const packets = this.#reader.push(chunk as Buffer);
        this.#delivered += packets.length;
        if (packets.length > 0) yield packets;
      }
      await this.#exited;
      if (!this.#stopping) throw this.#died();
    } catch (error) {
      // close() in the middle of an iteration destroys the stream underneath it.
      if (!this.#stopping || error instanceof SockctlError) throw error;
    } finally {
      this.#iterating = false;
      signal?.removeEventListener('abort', stop);
    }
  }

  /** The error for a child that ended by itself; tells the listeners what became of the interface. */
  #died(): SockctlError {
    const { device } = this.#request;
    const { exitCode, signalCode } = this.#child;
    const state = interfaceState(device);
    const ending = signalCode === null ? `exit code ${exitCode}` : signalCode;
    let why = this.#stderr.split('\n').findLast((line) => line.trim() !== '' && !line.startsWith('Warning:'));
    if (state === 'down' || state === 'gone') {
      why = state === 'down' ? 'the interface went down' : 'the interface is gone';
      this.#options.logger.log('warn', { event: 'interface', message: `${device}: ${why}` });
      this.#options.onEvent?.({ event: `interface-${state}`, interface: device });
    }
    const reason = why === undefined ? '' : `: ${clip(why, 200)}`;
    return new SockctlError('CAPTURE_DIED', { what: `capture on ${device} ended with ${ending}${reason}` });
  }

  statistics(): CaptureStatistics {
    const drops = interfaceDrops(this.#request.device);
    return {
      // The child's last count does not arrive when it dies.
      received: Math.max(this.#received, this.#delivered + this.#dropped),
      droppedKernel: null,
      droppedInterface: drops === null || this.#dropsBefore === null ? null : Math.max(0, drops - this.#dropsBefore),
      droppedApplication: this.#dropped,
    };
  }

  #stop(): void {
    if (this.#stopping) return;
    this.#stopping = true;
    this.#child.stdin.end();
  }

  async close(): Promise<void> {
    this.#stop();
    const child = this.#child;
    // A child that waits for room in its pipe would wait for ever: what is left goes nowhere.
    if (this.#iterating) child.stdout.destroy();
    else child.stdout.resume();
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    await this.#exited;
    clearTimeout(timer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function withResolvers(): { promise: Promise<void>; resolve: () => void; reject: (error: unknown) => void } {
  let resolve: () => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const promise = new Promise<void>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
