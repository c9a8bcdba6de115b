/**
 * Pings and traces for its parent: each line of stdin is a request, `{ machine, target, options }`, and is answered by one
 * line, the list of records, or `{ error }`. Arguments: the backend, and who it is to be, `root` or `nobody`.
 */
import { createInterface } from 'node:readline';
import { silentLogger } from '../../../dist/src/log/events.js';
import { ping } from '../../../dist/src/raw/ping/ping.js';
import { trace } from '../../../dist/src/raw/trace/trace.js';
import { parseIP } from '../../../dist/src/sockaddr/ip.js';
import { selectBackend } from '../../../dist/src/socket/open.js';

const [choice, user] = process.argv.slice(2);
const backend = await selectBackend(choice);
if (user === 'nobody') {
  process.setgroups([]);
  process.setgid(65_534);
  process.setuid(65_534);
}

for await (const line of createInterface({ input: process.stdin })) {
  const { machine, target, options } = JSON.parse(line);
  const host = { name: target, address: parseIP(target) };
  const common = { ...options, backend, logger: silentLogger };
  const records = [];
  try {
    for await (const record of machine === 'ping' ? ping([host], common) : trace(host, common)) records.push(record);
    process.stdout.write(`${JSON.stringify({ records })}\n`);
  } catch (error) {
    process.stdout.write(`${JSON.stringify({ error: error.message })}\n`);
  }
}
