/** `--print-options`: a socket's options, for people on stderr, as a record on stdout with --json. */
import type { OpenedSocket } from '../../src/socket/port.js';
import type { Output } from './output.js';
import { recordHead } from './record.js';

export function printOptions({ fd, kind, family, options }: OpenedSocket, json: boolean, output: Output): void {
  const values = [...options].map(([option, value]) => [option.name, option.type.format(value)] as const);
  if (json) {
    void output.record({ ...recordHead('socket.options'), fd, kind, family, options: Object.fromEntries(values) });
    return;
  }
  const width = Math.max(...values.map(([name]) => name.length));
  const lines = values.map(([name, value]) => `  ${name.padEnd(width)}  ${value === '' ? '-' : value}\n`);
  process.stderr.write(`options of the ${kind} socket ${fd} (${family}):\n${lines.join('')}`);
}
