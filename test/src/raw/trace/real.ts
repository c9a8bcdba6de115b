/** Traces on the sockets of this machine, in a process of their own: in a namespace, with or without privileges. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import type { TraceOptions } from '../../../../src/raw/trace/options.js';
import type { TraceHop, TraceRecord, TraceSummary } from '../../../../src/raw/trace/records.js';

const ROOT = new URL('../../../..', import.meta.url).pathname;
const NOBODY = '65534';

export interface TraceRun {
  readonly target: string;
  readonly asked: Omit<Partial<TraceOptions>, 'source' | 'settings' | 'backend' | 'logger' | 'signal'> & {
    readonly source?: string;
  };
  /** As `--opt` takes them. */
  readonly settings?: readonly string[];
}

export interface RealTrace {
  readonly hops: readonly TraceHop[];
  readonly summary: TraceSummary | undefined;
  readonly error?: { readonly code: string; readonly message: string; readonly advice?: string };
}

/** What may be used: everything, what takes no privilege, or the portable backend. */
export type Rights = 'raw' | 'unprivileged' | 'portable';

let bundle: string | undefined;

/** The program as one script, made once a process. */
function program(): string {
  if (bundle !== undefined) return bundle;
  const folder = mkdtempSync(join(tmpdir(), 'sockctl-trace-'));
  // Who has no privileges has to read it.
  chmodSync(folder, 0o755);
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const outfile = join(folder, 'trace.mjs');
  const packages = ['koffi', 'raw-socket'].map((name) => [name, join(ROOT, 'node_modules', name, 'index.js')] as const);
  buildSync({
    entryPoints: [new URL('programs/trace.ts', import.meta.url).pathname],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20.20',
    // Found from where the sources are, not from where the script is.
    alias: Object.fromEntries(packages),
    external: packages.map(([, path]) => path),
    logLevel: 'warning',
  });
  bundle = outfile;
  return outfile;
}

/**
 * Runs traces one after the other.
 *
 * @param under the prefix of a command line that runs in the namespace
 */
export async function traceFrom(
  under: readonly string[],
  rights: Rights,
  runs: readonly TraceRun[],
): Promise<RealTrace[]> {
  const drop = [
    'setpriv',
    '--reuid',
    NOBODY,
    '--regid',
    NOBODY,
    '--clear-groups',
    '--bounding-set',
    '-all',
    '--inh-caps',
    '-all',
  ];
  const request = JSON.stringify({ backend: rights === 'portable' ? 'portable' : 'native', runs });
  const [command = '', ...args] = [
    ...under,
    ...(rights === 'unprivileged' ? drop : []),
    process.execPath,
    program(),
    request,
  ];
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const [code] = await once(child, 'close');
  if (code !== 0 || stderr !== '') throw new Error(`the tracing process has ended with ${code}: ${stderr}`);
  const lines = stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { run: number; record?: TraceRecord; error?: RealTrace['error'] });
  return runs.map((_, run) => {
    const own = lines.filter((line) => line.run === run);
    const records = own.flatMap(({ record }) => (record === undefined ? [] : [record]));
    const error = own.find((line) => line.error !== undefined)?.error;
    return {
      hops: records.filter((record): record is TraceHop => record.type === 'trace.hop'),
      summary: records.find((record): record is TraceSummary => record.type === 'trace.summary'),
      ...(error === undefined ? {} : { error }),
    };
  });
}
