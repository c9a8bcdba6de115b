/**
 * A network of test/networks, run for real: a namespace whose kernel sends everything to a TUN device, behind which a
 * process answers by the model, each answer at its time.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { buildSync } from 'esbuild';
import { formatIPv4, formatIPv6 } from '../../src/sockaddr/ip-text.js';
import { awaitReady, deleteNamespace, ip, ipBatch, namespaceName, setKernel } from './namespace.js';
import { DEFAULT_MTU } from './network/link.js';
import { Topology } from './network/topology.js';
import type { Ledger, NetworkDescription } from './network-model.js';

const ROOT = new URL('../..', import.meta.url).pathname;
const PROGRAM = join(ROOT, 'test/hosts/programs/tun-network.ts');
const DEVICE = 'net0';

export interface TunNetwork {
  /** The prefix of a command line that runs in the prober's host. */
  readonly under: readonly string[];
  readonly namespace: string;
  /** What links and nodes have done so far. */
  ledger(): Promise<Ledger>;
  /**
   * Takes the place of the network, as if made anew; what was on its way is gone.
   *
   * @throws Error where the prober has other addresses there
   */
  load(description: NetworkDescription): Promise<void>;
  ip(...args: string[]): string;
  remove(): Promise<void>;
}

const KOFFI = join(ROOT, 'node_modules/koffi/index.js');

let script: Uint8Array | undefined;

/** The program as one script, made once a process. */
function program(): Uint8Array {
  script ??= buildSync({
    entryPoints: [PROGRAM],
    write: false,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20.20',
    // Found from where the sources are, not from where the script is.
    alias: { koffi: KOFFI },
    external: [KOFFI],
    logLevel: 'warning',
  }).outputFiles[0]?.contents;
  return script as Uint8Array;
}

/** @throws Error where namespaces or TUN devices can't be had; see namespaceObstacle in machine.ts */
export async function createTunNetwork(description: NetworkDescription): Promise<TunNetwork> {
  const namespace = namespaceName();
  const under = ['ip', 'netns', 'exec', namespace];
  let child: NetworkProcess | undefined;
  const remove = async () => {
    await child?.end();
    deleteNamespace(namespace);
  };
  try {
    ip('netns', 'add', namespace);
    setKernel({
      [namespace]: {
        'net.ipv4.conf.all.rp_filter': 0,
        'net.ipv4.conf.default.rp_filter': 0,
        'net.ipv4.ping_group_range': '0 2147483647',
        'net.ipv6.conf.default.accept_ra': 0,
        'net.ipv6.conf.default.router_solicitations': 0,
      },
    });
    child = await NetworkProcess.start(under, description);
    ipBatch(linkCommands(description), namespace);
    const { ipv6 } = new Topology(description).prober.addresses;
    awaitReady(namespace, [], ipv6 === undefined ? [] : [formatIPv6(ipv6, 0)]);
  } catch (error) {
    await remove();
    throw error;
  }
  const running = child;
  return {
    under,
    namespace,
    ledger: () => running.ask('ledger'),
    load: async (next) => {
      if (linkCommands(next).join() !== linkCommands(description).join()) {
        throw new Error('the prober of that network has other addresses, or another MTU');
      }
      await running.ask(JSON.stringify(next));
    },
    ip: (...args) => ip('-n', namespace, ...args),
    remove,
  };
}

/** The prober's addresses, and everything else behind the device. */
function linkCommands(description: NetworkDescription): string[] {
  const { prober } = new Topology(description);
  const mtu = prober.edges[0]?.direction.mtu ?? DEFAULT_MTU;
  const { ipv4, ipv6 } = prober.addresses;
  return [
    'link set lo up',
    `link set ${DEVICE} addrgenmode none`,
    `link set ${DEVICE} mtu ${mtu} txqueuelen 10000 up`,
    ...(ipv4 === undefined
      ? []
      : [
          `addr add ${formatIPv4(ipv4, 0)}/32 dev ${DEVICE}`,
          `route add default dev ${DEVICE} src ${formatIPv4(ipv4, 0)}`,
        ]),
    ...(ipv6 === undefined
      ? []
      : [`addr add ${formatIPv6(ipv6, 0)}/128 dev ${DEVICE} nodad`, `route add ::/0 dev ${DEVICE}`]),
  ];
}

class NetworkProcess {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #closed: Promise<unknown>;
  #stderr = '';
  #asking: Promise<string> = Promise.resolve('');

  private constructor(under: readonly string[], file: string) {
    const [command = '', ...args] = [...under, process.execPath, file, DEVICE];
    this.#child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], cwd: ROOT });
    this.#closed = once(this.#child, 'close');
    this.#lines = createInterface({ input: this.#child.stdout as Readable })[Symbol.asyncIterator]();
    (this.#child.stdin as Writable).on('error', () => undefined);
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#stderr += chunk.toString();
    });
  }

  /** Settles when the device is there. */
  static async start(under: readonly string[], description: NetworkDescription): Promise<NetworkProcess> {
    const folder = mkdtempSync(join(tmpdir(), 'sockctl-network-'));
    const file = join(folder, 'tun-network.mjs');
    try {
      writeFileSync(file, program());
      const started = new NetworkProcess(under, file);
      await started.ask(JSON.stringify(description));
      return started;
    } finally {
      // It has been read.
      rmSync(folder, { recursive: true });
    }
  }

  /** Answers come in the order of the questions. */
  async ask(question: string): Promise<Ledger> {
    this.#child.stdin?.write(`${question}\n`);
    const before = this.#asking;
    this.#asking = before.then(() => this.#line());
    return JSON.parse(await this.#asking) as Ledger;
  }

  async end(): Promise<void> {
    this.#child.stdin?.end();
    await this.#closed;
  }

  async #line(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done !== true) return value;
    await this.#closed;
    throw new Error(`the process of the network has ended: ${this.#stderr}`);
  }
}
