/** Runs the built program, and its peers, as processes: what a user would see. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';

export const MAIN = new URL('../../dist/cli/main.cjs', import.meta.url).pathname;

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export interface RunOptions {
  readonly input?: Uint8Array | string | undefined;
  /** Leaves stdin open, for commands that must not see its end. */
  readonly holdInput?: boolean;
  readonly env?: NodeJS.ProcessEnv;
  readonly uid?: number;
  /** A command line to run it under: `ip netns exec NAME`. */
  readonly under?: readonly string[];
  /** Milliseconds before it is killed. */
  readonly timeoutMs?: number;
  /** A descriptor for stdout, instead of a pipe. */
  readonly stdout?: number;
}

/** A running process, its output collected. */
export class Running {
  readonly child: ChildProcess;
  readonly done: Promise<Finished>;
  /** Bytes of stdout so far. */
  received = 0;
  readonly #stdout: Buffer[] = [];
  #stderr = '';
  #watchers: (() => void)[] = [];

  constructor(command: string, args: readonly string[], options: RunOptions) {
    const [program = command, ...rest] = [...(options.under ?? []), command, ...args];
    this.child = spawn(program, rest, {
      stdio: ['pipe', options.stdout ?? 'pipe', 'pipe'],
      env: { ...process.env, NO_COLOR: '1', ...options.env },
      ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
    });
    (this.child.stdout as Readable | null)?.on('data', (chunk: Buffer) => {
      this.#stdout.push(chunk);
      this.received += chunk.length;
      this.#wake();
    });
    (this.child.stderr as Readable).on('data', (chunk: Buffer) => {
      this.#stderr += chunk.toString();
      this.#wake();
    });
    const stdin = this.child.stdin as Writable;
    stdin.on('error', () => undefined);
    if (options.input !== undefined) stdin.write(options.input);
    if (options.holdInput !== true) stdin.end();
    const timer = setTimeout(() => this.child.kill('SIGKILL'), options.timeoutMs ?? 20_000);
    this.done = once(this.child, 'close').then(([code, signal]) => {
      clearTimeout(timer);
      this.#wake();
      return { code, signal, stdout: this.stdout, stderr: this.#stderr };
    });
  }

  get stdout(): Buffer {
    return Buffer.concat(this.#stdout);
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** Waits until `find` gives something, looking again whenever there is output. */
  async until<Found>(find: (running: this) => Found | undefined): Promise<Found> {
    for (;;) {
      const found = find(this);
      if (found !== undefined) return found;
      if (this.child.exitCode !== null || this.child.signalCode !== null) {
        throw new Error(`it ended (${this.child.exitCode}) before that; stderr: ${this.#stderr}`);
      }
      await new Promise<void>((resolve) => this.#watchers.push(resolve));
    }
  }

  /** The port of the `listening` event in the JSON log. */
  port(): Promise<number> {
    return this.until(({ stderr }) => {
      const match = /"msg":"(?:listening|receiving) on [^"]*:(\d+)"/.exec(stderr);
      return match === null ? undefined : Number(match[1]);
    });
  }

  signal(signal: NodeJS.Signals): Promise<Finished> {
    this.child.kill(signal);
    return this.done;
  }

  #wake(): void {
    for (const watcher of this.#watchers.splice(0)) watcher();
  }
}

/** Starts sockctl. */
export function start(args: readonly string[], options: RunOptions = {}): Running {
  return new Running(process.execPath, [MAIN, ...args], options);
}

/** Runs sockctl to its end. */
export function sockctl(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  return start(args, options).done;
}

/** Runs another program to its end. */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  return new Running(command, args, options).done;
}

/** The NDJSON records of an output; throws where a line is none. */
export function records(stdout: Buffer): Record<string, unknown>[] {
  return stdout
    .toString()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}
