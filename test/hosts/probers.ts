/** Who pings and traces in the networks of test/networks: the machines in virtual time, and the library on real sockets. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { PingPlan } from '../../src/raw/ping/options.js';
import type { PingRecord } from '../../src/raw/ping/records.js';
import type { TraceOptions } from '../../src/raw/trace/options.js';
import type { TraceRecord } from '../../src/raw/trace/records.js';
import { simulate } from '../src/raw/ping/simulate.js';
import { traceIn } from '../src/raw/trace/simulated.js';
import { type NetworkDescription, readNetwork } from './network-model.js';
import { createTunNetwork } from './tun-network.js';

const PROGRAM = new URL('../contract/programs/probe.mjs', import.meta.url).pathname;

export type TraceAsked = Partial<
  Omit<TraceOptions, 'backend' | 'logger' | 'settings' | 'source' | 'table' | 'control' | 'onOpen' | 'signal'>
>;

export interface Prober {
  /** Each call finds the network as it is at its beginning. */
  trace(description: NetworkDescription, target: string, options: TraceAsked): Promise<TraceRecord[]>;
  ping(description: NetworkDescription, target: string, plan: PingPlan): Promise<PingRecord[]>;
  close(): Promise<void>;
}

export function simulatedProber(socket: 'raw' | 'dgram'): Prober {
  return {
    trace: async (description, target, options) => {
      const { hops, summary } = await traceIn(description, target, options, { port: { socket } });
      return [...hops, summary];
    },
    ping: async (description, target, plan) => [...(await simulate(description, [target], plan, { socket })).records],
    close: async () => undefined,
  };
}

/** The library in a process of its own, in the namespace of a network behind a TUN device. */
export async function realProber(backend: 'native' | 'portable', user: 'root' | 'nobody'): Promise<Prober> {
  const network = await createTunNetwork(readNetwork('five-hops'));
  const probing = new ProbingProcess(network.under, backend, user);
  return {
    trace: async (description, target, options) => {
      await network.load(description);
      return probing.trace(target, options);
    },
    ping: async (description, target, plan) => {
      await network.load(description);
      return probing.ping(target, plan);
    },
    close: async () => {
      await probing.end();
      await network.remove();
    },
  };
}

/** The library in a process of its own. */
export class ProbingProcess {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #closed: Promise<unknown>;
  #stderr = '';

  /** @param under the prefix of its command line, which says where it runs; `nobody` has no privilege at all */
  constructor(under: readonly string[], backend: 'native' | 'portable', user: 'root' | 'nobody') {
    const [command = '', ...args] = [...under, process.execPath, PROGRAM, backend, user];
    this.#child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#closed = once(this.#child, 'close');
    this.#lines = createInterface({ input: this.#child.stdout as Readable })[Symbol.asyncIterator]();
    this.#child.stdin?.on('error', () => undefined);
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#stderr += chunk.toString();
    });
  }

  /** One at a time. */
  trace(target: string, options: TraceAsked): Promise<TraceRecord[]> {
    return this.#ask({ machine: 'trace', target, options });
  }

  ping(target: string, options: PingPlan): Promise<PingRecord[]> {
    return this.#ask({ machine: 'ping', target, options });
  }

  async end(): Promise<void> {
    this.#child.stdin?.end();
    await this.#closed;
  }

  async #ask<Answer>(request: object): Promise<Answer[]> {
    this.#child.stdin?.write(`${JSON.stringify(request)}\n`);
    const { value, done } = await this.#lines.next();
    if (done === true) {
      await this.#closed;
      throw new Error(`the process that probes has ended: ${this.#stderr}`);
    }
    const { records, error } = JSON.parse(value) as { records?: Answer[]; error?: string };
    if (records === undefined) throw new Error(error);
    return records;
  }
}
