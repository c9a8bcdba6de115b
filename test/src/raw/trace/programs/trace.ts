/** Runs traces one after the other, as JSON on the command line says, and writes their records as lines of JSON. */
import { toSockctlError } from '../../../../../src/errors.js';
import { silentLogger } from '../../../../../src/log/events.js';
import { parseSetting } from '../../../../../src/options/settings.js';
import { trace } from '../../../../../src/raw/trace/trace.js';
import { parseIP } from '../../../../../src/sockaddr/ip.js';
import { nativeBackend } from '../../../../../src/socket/native/backend.js';
import { portableBackend } from '../../../../../src/socket/portable/backend.js';
import type { TraceRun } from '../real.js';

const { backend: name, runs } = JSON.parse(process.argv[2] ?? '') as { backend: string; runs: TraceRun[] };
const backend = name === 'native' ? await nativeBackend() : portableBackend();
const write = (line: unknown) => process.stdout.write(`${JSON.stringify(line)}\n`);
for (const [run, { target, asked, settings = [] }] of runs.entries()) {
  const interrupt = new AbortController();
  try {
    const { source: own, ...rest } = asked;
    const source = own === undefined ? undefined : parseIP(own);
    const options = { ...rest, source, settings: settings.map(parseSetting), signal: interrupt.signal };
    const at = { name: target, address: parseIP(target) };
    for await (const record of trace(at, { backend, logger: silentLogger, ...options })) write({ run, record });
  } catch (error) {
    const { code, message, advice } = toSockctlError(error);
    write({ run, error: { code, message, advice } });
  }
}
