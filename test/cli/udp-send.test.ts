/** udp send: schedules, ends, what comes back, and what is wrong on the command line. */
import { describe, expect, it } from 'vitest';
import { records, sockctl, start } from './process.js';

interface Summary {
  readonly type: string;
  readonly [name: string]: unknown;
}

const last = (stdout: Buffer) => records(stdout).at(-1) as Summary;

/** Sends to a receiver with these flags; both summaries. */
async function exchange(send: readonly string[], receive: readonly string[], backend = 'native') {
  const receiver = start(['udp', 'recv', '127.0.0.1:0', ...receive, '--json', '--backend', backend]);
  const target = `127.0.0.1:${await receiver.port()}`;
  const sent = await sockctl(['udp', 'send', target, ...send, '--json', '--backend', backend]);
  const received = await receiver.done;
  expect([sent.code, received.code], sent.stderr + received.stderr).toEqual([0, 0]);
  return { sent: last(sent.stdout), received: last(received.stdout), all: [sent, received].map((one) => one.stdout) };
}

const PROBE_RECEIVER = ['--probe', '--once', '--summary-only'];

describe.each(['native', 'portable'])('probes on the %s backend', (backend) => {
  it('have the receiver tell the sender what it saw', async () => {
    const { sent, received } = await exchange(
      ['--probe', '--count', '500', '--rate', '5k'],
      [...PROBE_RECEIVER],
      backend,
    );
    expect(sent).toMatchObject({ sent: 500, endReason: 'count' });
    const [own] = received.senders as Summary[];
    expect(sent.report).toEqual({ ...own, sender: null });
    expect(own).toMatchObject({ stream: sent.stream, received: 500, lost: 0, ended: true });
  });

  it('go both ways and are timed', async () => {
    const { sent } = await exchange(
      ['--probe', '--two-way', '--count', '200', '--rate', '2k'],
      [...PROBE_RECEIVER],
      backend,
    );
    const twoWay = sent.twoWay as { rttMs: { min: number; p99: number; max: number } };
    expect(twoWay).toMatchObject({ received: 200, lost: 0, duplicated: 0, reordered: 0 });
    expect(twoWay.rttMs.min).toBeGreaterThan(0);
    expect(twoWay.rttMs.max).toBeLessThan(2000);
    expect(sent.report).toMatchObject({ received: 200 });
  });

  it('are counted by the interval, and the intervals add up', async () => {
    const { all, sent, received } = await exchange(
      ['--probe', '--time', '700ms', '--rate', '1k', '--interval', '200ms'],
      ['--probe', '--once', '--summary-only', '--interval', '200ms'],
      backend,
    );
    for (const [stdout, name, total] of [
      [all[0], 'sent', sent.sent],
      [all[1], 'received', received.received],
    ] as const) {
      const intervals = records(stdout as Buffer).filter(({ type }) => type === 'udp.interval');
      expect(intervals.length).toBeGreaterThanOrEqual(3);
      expect(intervals.reduce((sum, one) => sum + Number(one[name]), 0)).toBe(total);
    }
  });
});

describe('the end of sending', () => {
  it('comes in time, however fast it goes and whatever is collected meanwhile', async () => {
    const { sent } = await exchange(['--probe', '--size', '1400', '--time', '600ms'], [...PROBE_RECEIVER]);
    expect(sent.endReason).toBe('deadline');
    expect(sent.durationMs).toBeGreaterThanOrEqual(590);
    expect(sent.durationMs).toBeLessThan(2500);
  });

  it('leaves no one out of a burst, and keeps to the time of each', async () => {
    const { sent } = await exchange(
      ['--data', 'x', '--count', '30', '--rate', '100', '--burst', '10'],
      ['--count', '30', '--summary-only'],
    );
    expect(sent).toMatchObject({ sent: 30 });
    // The third burst is due after two of ten at 100 a second, from the start on; a busy machine may be late with the first.
    expect(sent.durationMs).toBeGreaterThanOrEqual(120);
    expect(sent.durationMs).toBeLessThan(600);
  });

  it('is there at once where one a minute is asked for, and one is to be sent', async () => {
    const { sent } = await exchange(['--data', 'x', '--count', '1', '--rate', '1/m'], ['--count', '1']);
    expect(sent).toMatchObject({ sent: 1, datagramsPerSecond: { requested: 1 / 60, achieved: null } });
    expect(sent.durationMs).toBeLessThan(1000);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('by %s ends a wait for more input, with a summary', async (signal) => {
    const receiver = start(['udp', 'recv', '127.0.0.1:0', '--count', '1']);
    const target = `127.0.0.1:${await receiver.port()}`;
    const sender = start(['udp', 'send', target, '--json'], { holdInput: true, input: 'one line\n' });
    expect((await receiver.done).stdout.toString()).toBe('one line\n');
    // As timeout(1) does: to the process, and at once to its group.
    sender.child.kill(signal);
    const { code, stdout } = await sender.signal(signal);
    expect(code).toBe(0);
    expect(last(stdout)).toMatchObject({ sent: 1, endReason: 'interrupted' });
  });

  it('is not waited for by what was typed: each line goes at once', async () => {
    const receiver = start(['udp', 'recv', '127.0.0.1:0', '--count', '3']);
    const target = `127.0.0.1:${await receiver.port()}`;
    const sender = start(['udp', 'send', target], { holdInput: true });
    for (const [i, line] of ['first\n', 'second\n', 'third\n'].entries()) {
      sender.child.stdin?.write(line);
      await receiver.until(({ stdout }) => stdout.toString().split('\n').length === i + 2 || undefined);
    }
    sender.child.stdin?.end();
    expect((await sender.done).code).toBe(0);
    expect((await receiver.done).stdout.toString()).toBe('first\nsecond\nthird\n');
  });

  it('says so when no report comes back', async () => {
    const receiver = start(['udp', 'recv', '127.0.0.1:0', '--summary-only']);
    const target = `127.0.0.1:${await receiver.port()}`;
    const { code, stdout, stderr } = await sockctl([
      ...['udp', 'send', target, '--probe', '--count', '3', '--wait', '300ms'],
    ]);
    expect([code, stdout.length]).toEqual([0, 0]);
    expect(stderr).toContain('no report came back from the receiver');
    await receiver.signal('SIGINT');
  });
});

describe('wrong usage', () => {
  it.each([
    [['send', '127.0.0.1:9', '--two-way'], '--probe'],
    [['send', '127.0.0.1:9', '--burst', '3'], '--rate'],
    [['send', '127.0.0.1:9', '--probe', '--size', '10'], '40'],
    [['send', '127.0.0.1:9', '--data', 'x', '--hex', '00'], 'one payload'],
    [['send', '127.0.0.1:9', '--chunk', '0'], 'at least one byte'],
    [['send', '127.0.0.1:9', '--rate', '1Mbit', '--count', '1'], 'one known size'],
    [['send', '127.0.0.1:9', '--rate', 'fast'], 'fast'],
    [['send', '127.0.0.1:9', '--data', 'x', '--pmtu', 'maybe'], 'maybe'],
    [['send', '127.0.0.1:9', '--data', 'x', '--no-loop'], 'no multicast group'],
    [['send', '127.0.0.1:9', '--reliable', '--rate', '1k'], 'do not go together'],
    [['send', '/tmp/socket', '--data', 'x'], '/tmp/socket'],
    [['recv', 'unix:/tmp/socket'], 'unix:/tmp/socket'],
    [['recv', ':0', '--once'], '--probe'],
    [['recv', ':0', '--join', '10.0.0.1'], 'multicast group'],
    [['recv', ':0', '--file', '/tmp/x'], '--reliable'],
  ])('%j is refused in a line that names it', async (args, word) => {
    const { code, stderr, stdout } = await sockctl(['udp', ...args], { input: 'x\n' });
    expect(code, stderr).toBe(2);
    expect(stdout.length).toBe(0);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).toContain(word);
  });

  it('of an interface that is not there names those that are', async () => {
    const { code, stderr } = await sockctl(['udp', 'recv', ':0', '--join', '239.1.2.3@nothere']);
    expect([code, stderr.trim().split('\n').length]).toEqual([1, 1]);
    expect(stderr).toMatch(/nothere: no such interface .* lo/);
  });

  it('of stdout for both the data and the records is refused, as a record', async () => {
    const { code, stdout, stderr } = await sockctl(['udp', 'recv', ':0', '--reliable', '--json']);
    expect(code).toBe(2);
    expect(records(stdout)).toMatchObject([{ type: 'summary', endReason: 'error', error: { code: 'USAGE' } }]);
    expect(stderr).toContain('--file');
  });
});
