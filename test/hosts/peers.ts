/** What other tools find of a network: ping, fping, traceroute and mtr, run and read. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

interface Output {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs to its end, which comes by itself within `timeoutMs`. */
export async function runUnder(under: readonly string[], args: readonly string[], timeoutMs = 25_000): Promise<Output> {
  const [command = '', ...rest] = [...under, ...args];
  const child = spawn(command, rest, { stdio: ['ignore', 'pipe', 'pipe'], timeout: timeoutMs });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}

export interface PeerPing {
  readonly transmitted: number;
  readonly received: number;
  readonly duplicates: number;
  readonly errors: number;
  /** Who reported errors. */
  readonly reporters: readonly string[];
  /** Where payloads differ from what was sent, in bytes from behind the ICMP header. */
  readonly wrongAt: readonly number[];
  readonly medianMs: number;
}

/** iputils ping(8), `count` probes `intervalMs` apart. */
export async function ping(
  under: readonly string[],
  target: string,
  count: number,
  intervalMs: number,
  ...more: readonly string[]
): Promise<PeerPing> {
  const args = ['-n', '-c', `${count}`, '-i', `${intervalMs / 1000}`, '-W', '1', ...more, target];
  const { stdout } = await runUnder(under, ['ping', ...args]);
  const counted = (word: string) => Number(new RegExp(`\\+?(\\d+) ${word}`).exec(summary)?.[1] ?? 0);
  const summary = /^\d+ packets transmitted.*$/m.exec(stdout)?.[0] ?? '';
  const times = [...stdout.matchAll(/ time=([\d.]+) ms$/gm)].map(([, ms]) => Number(ms)).sort((a, b) => a - b);
  return {
    transmitted: counted('packets transmitted'),
    received: counted('received'),
    duplicates: counted('duplicates'),
    errors: counted('errors'),
    reporters: [...new Set([...stdout.matchAll(/^From (\S+?):? icmp_seq/gm)].map(([, from]) => from as string))],
    wrongAt: [...stdout.matchAll(/^wrong data byte #(\d+) /gm)].map(([, at]) => Number(at)),
    medianMs: times[times.length >> 1] ?? Number.NaN,
  };
}

/** fping(8): how many of `count` probes were answered in time. */
export async function fping(under: readonly string[], target: string, count: number): Promise<number> {
  const { stderr } = await runUnder(under, [
    'fping',
    '-q',
    '-c',
    `${count}`,
    '-p',
    '10',
    '-i',
    '1',
    '-t',
    '300',
    target,
  ]);
  return Number(/ xmt\/rcv\/%loss = \d+\/(\d+)\//.exec(stderr)?.[1] ?? Number.NaN);
}

/** A line of a trace: who has answered there, in the order in which they are told, and the marks behind them (`!X`). */
export interface PeerHop {
  readonly addresses: readonly string[];
  readonly marks: readonly string[];
  /** Text of extensions, as traceroute -e writes them. */
  readonly extensions: readonly string[];
}

/** traceroute(8), all hops at once; `-I` and `-T` choose another protocol. */
export async function traceroute(
  under: readonly string[],
  target: string,
  ...more: readonly string[]
): Promise<PeerHop[]> {
  const args = ['-n', '-e', '-q', '1', '-w', '0.4', '-m', '32', '-N', '32', ...more, target];
  const { stdout } = await runUnder(under, ['traceroute', ...args]);
  return [...stdout.matchAll(/^ *\d+ {2}(.*)$/gm)].map(([, line = '']) => ({
    addresses: [...new Set(line.match(/(?<![\w.:<])(?:\d+\.\d+\.\d+\.\d+|[0-9a-f]*:[0-9a-f:]+)(?= )/g) ?? [])],
    marks: [...new Set(line.match(/!\S+/g) ?? [])],
    extensions: [...line.matchAll(/<([^>]*)>/g)].map(([, text]) => text as string),
  }));
}

/** mtr(8)'s report of `cycles`: who has answered at each hop, `???` for nobody. */
export async function mtr(under: readonly string[], target: string, cycles: number): Promise<string[]> {
  const args = ['mtr', '-n', '--report', '--json', '-c', `${cycles}`, '-i', '0.1', '-G', '1', target];
  const { stdout } = await runUnder(under, args);
  const { report } = JSON.parse(stdout) as { report: { hubs: { host: string }[] } };
  return report.hubs.map(({ host }) => host);
}
