import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeEvent } from '../../../src/log/describe.js';
import type { LogEvent } from '../../../src/log/events.js';
import { createLogger } from '../../../src/log/pino.js';

const refused = { syscall: 'connect', code: 'ECONNREFUSED', errno: 111 };

const EVENTS: [LogEvent, string][] = [
  [
    { event: 'socket', family: 'AF_INET', type: 'SOCK_STREAM', protocol: 'IPPROTO_TCP', fd: 3 },
    'socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = 3',
  ],
  [
    { event: 'setsockopt', fd: 3, optionLevel: 'SOL_SOCKET', option: 'SO_RCVBUF', value: '4096', effective: '8192' },
    'setsockopt(3, SOL_SOCKET, SO_RCVBUF, 4096) = 0 (in effect: 8192)',
  ],
  [{ event: 'bind', fd: 3, local: '127.0.0.1:80' }, 'bind(3, 127.0.0.1:80) = 0'],
  [{ event: 'getsockname', fd: 3, local: '127.0.0.1:80' }, 'getsockname(3) = 127.0.0.1:80'],
  [{ event: 'listen', fd: 3, backlog: 511 }, 'listen(3, 511) = 0'],
  [
    { event: 'accept', remote: '127.0.0.1:9', local: '127.0.0.1:80', connection: 1 },
    'accept(127.0.0.1:80) = 127.0.0.1:9',
  ],
  [
    { event: 'connect', fd: 3, remote: '127.0.0.1:80', durationMs: 1.23456 },
    'connect(3, 127.0.0.1:80) = 0 in 1.235 ms',
  ],
  [{ event: 'connect', fd: 3, remote: '127.0.0.1:80', failure: refused }, 'connect(3, 127.0.0.1:80) = -1 ECONNREFUSED'],
  [{ event: 'recvmmsg', fd: 3, messages: 2, bytes: 100 }, 'recvmmsg(3) = 2, 100 bytes'],
  [{ event: 'shutdown', fd: 3, how: 'SHUT_WR' }, 'shutdown(3, SHUT_WR) = 0'],
  [{ event: 'close', fd: 3, bytesIn: 1, bytesOut: 2 }, 'close(3) = 0, 1 bytes in, 2 bytes out'],
  [{ event: 'listening', message: 'listening on [::]:80' }, 'listening on [::]:80'],
];

describe('the text of an event', () => {
  it.each(EVENTS)('%j', (event, text) => expect(describeEvent(event)).toBe(text));
});

describe('the logger', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'sockctl-test-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const read = (file: string) =>
    readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));

  it('writes one object a line, with the failure among the fields', async () => {
    const file = join(folder, 'json');
    const logger = await createLogger({ level: 'debug', format: 'json', color: false, file });
    logger.log('debug', { event: 'connect', fd: 3, remote: '127.0.0.1:80', durationMs: 0.123456789, failure: refused });
    logger.log('trace', { event: 'notice', message: 'not at this level' });
    expect(logger.enabled('debug')).toBe(true);
    expect(logger.enabled('trace')).toBe(false);
    expect(read(file)).toEqual([
      {
        level: 'debug',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/),
        event: 'connect',
        fd: 3,
        remote: '127.0.0.1:80',
        durationMs: 0.123457,
        ...refused,
        msg: 'connect(3, 127.0.0.1:80) = -1 ECONNREFUSED in 0.123 ms',
      },
    ]);
  });

  it('keeps the level its own where an event has one', async () => {
    const file = join(folder, 'level');
    const logger = await createLogger({ level: 'debug', format: 'json', color: false, file });
    logger.log('debug', EVENTS[1]?.[0] ?? { event: 'notice', message: '' });
    expect(read(file)[0]).toMatchObject({ level: 'debug', optionLevel: 'SOL_SOCKET' });
  });

  it('writes a line for people', async () => {
    const file = join(folder, 'pretty');
    const logger = await createLogger({ level: 'info', format: 'pretty', color: false, file });
    logger.log('info', { event: 'listening', message: 'listening on [::]:80' });
    expect(readFileSync(file, 'utf8')).toBe('INFO: listening on [::]:80\n');
  });

  it('fails when its file cannot be opened', async () => {
    const opening = createLogger({ level: 'info', format: 'json', color: false, file: join(folder, 'no', 'such') });
    await expect(opening).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
