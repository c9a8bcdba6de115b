/**
 * Live capture through cap, on loopback and in namespaces of our own. The child process is the compiled program: these
 * tests need `npm run build` first, root, and the cap package, and say so where something is missing.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { runPipeline } from '../../../capture/pipeline.js';
import type { CapturedPacket } from '../../../capture/record.js';
import { openFileSink } from '../../../capture/sinks/file.js';
import { checkFilter, openError } from '../../../capture/sources/cap-errors.js';
import { classifyMessage, linkTypeOfCap, originalLength } from '../../../capture/sources/cap-messages.js';
import { openCapSource } from '../../../capture/sources/cap-process.js';
import { decode, scratch } from '../helpers.js';

const program = new URL('../../../dist/capture/sources/cap.js', import.meta.url);
const index = new URL('../../../dist/capture/index.js', import.meta.url);
const file = scratch();

function whyNot(): string | undefined {
  if (process.platform !== 'linux') return 'needs Linux';
  if (process.getuid?.() !== 0) return 'needs root';
  if (!existsSync(program)) return 'needs the build in dist/';
  if (spawnSync(process.execPath, ['-e', 'require("cap")']).status !== 0) return 'needs the cap package';
  return undefined;
}

function whyNoNamespaces(): string | undefined {
  const name = `sockctl-probe-${process.pid}`;
  if (spawnSync('ip', ['netns', 'add', name]).status !== 0) return 'needs network namespaces';
  spawnSync('ip', ['netns', 'del', name]);
  return undefined;
}

const missing = whyNot();
const missingNamespaces = missing ?? whyNoNamespaces();

/** Sends datagrams to a port of loopback, one after the other; a socket there takes them. */
async function send(
  count: number,
  payload: string,
): Promise<{ port: number; done: () => void; go: () => Promise<void> }> {
  const receiver = createSocket('udp4');
  receiver.bind(0, '127.0.0.1');
  await once(receiver, 'listening');
  const sender = createSocket('udp4');
  const { port } = receiver.address();
  const go = async (): Promise<void> => {
    for (let sent = 0; sent < count; sent++) {
      await new Promise((resolve) => sender.send(payload, port, '127.0.0.1', resolve));
    }
  };
  const done = (): void => {
    sender.close();
    receiver.close();
  };
  return { port, done, go };
}

describe.skipIf(missing !== undefined)(`capture through cap${missing === undefined ? '' : ` (${missing})`}`, () => {
  test('datagrams on loopback, whole and in order, into a file', async () => {
    const traffic = await send(5, 'sockctl-payload');
    const source = await openCapSource({ device: 'lo', filter: `udp dst port ${traffic.port}`, program });
    expect(source.interfaces).toEqual([{ id: 0, name: 'lo', linkType: 1, snapshotLength: 65_535 }]);
    const path = file('live.pcapng');
    const seen: CapturedPacket[] = [];
    const running = runPipeline({
      source,
      sinks: [await openFileSink(path)],
      count: 5,
      durationMs: 10_000,
      onPacket: (one) => seen.push(one),
    });
    const before = Date.now() / 1000;
    await traffic.go();
    const summary = await running;
    traffic.done();
    expect(summary).toMatchObject({ captured: 5, droppedKernel: null, droppedApplication: 0, endReason: 'count' });
    const read = decode(readFileSync(path));
    expect(read.packets).toHaveLength(5);
    expect(read.interfaces).toHaveLength(1);
    for (const one of read.packets) {
      expect(Buffer.from(one.bytes).toString('latin1')).toContain('sockctl-payload');
      expect(one.originalLength).toBe(14 + 20 + 8 + 15);
      expect(Math.abs((one.timestamp?.seconds ?? 0) - before)).toBeLessThan(10);
    }
  });

  test('an interrupt delivers what was caught, and no child is left', async () => {
    const traffic = await send(200, 'x');
    const source = await openCapSource({
      device: 'lo',
      filter: `udp dst port ${traffic.port}`,
      snapshotLength: 20,
      program,
    });
    const abort = new AbortController();
    const lengths = new Set<string>();
    const running = runPipeline({
      source,
      sinks: [],
      signal: abort.signal,
      onPacket: (one) => lengths.add(`${one.bytes.length} of ${one.originalLength}`),
    });
    await traffic.go();
    abort.abort();
    const summary = await running;
    traffic.done();
    expect(summary).toMatchObject({ captured: 200, received: 200, endReason: 'interrupted' });
    expect([...lengths]).toEqual(['20 of 43']);
  });

  test('a consumer that is too slow costs packets, which are counted', async () => {
    // On a busy machine the child may not have read a packet before it is told to stop: then there was no haste.
    let dropped: number | null = null;
    for (let attempt = 0; attempt < 10 && (dropped ?? 0) === 0; attempt++) {
      const traffic = await send(20_000, 'x'.repeat(100));
      const events: unknown[] = [];
      const source = await openCapSource({
        device: 'lo',
        filter: `udp dst port ${traffic.port}`,
        queueSize: 20_000,
        onEvent: (event) => events.push(event),
        program,
      });
      const abort = new AbortController();
      let release: () => void = () => undefined;
      const held = new Promise<void>((resolve) => {
        release = resolve;
      });
      const running = runPipeline({
        source,
        sinks: [{ write: () => held, close: () => undefined }],
        signal: abort.signal,
      });
      await traffic.go();
      abort.abort();
      release();
      const summary = await running;
      traffic.done();
      dropped = summary.droppedApplication;
      expect(summary.captured + (dropped ?? 0)).toBe(summary.received);
      if (dropped !== 0) expect(events).toContainEqual({ event: 'drops', interface: 'lo', dropped });
    }
    expect(dropped).toBeGreaterThan(0);
  });

  test('closed before it was read', async () => {
    const source = await openCapSource({ device: 'lo', program });
    await source.close();
    await source.close();
  });

  test('cooked packets of all interfaces carry their direction', async () => {
    const traffic = await send(1, 'x');
    const source = await openCapSource({
      device: 'any',
      filter: `udp dst port ${traffic.port}`,
      direction: 'in',
      program,
    });
    const seen: CapturedPacket[] = [];
    const running = runPipeline({ source, sinks: [], count: 1, durationMs: 10_000, onPacket: (one) => seen.push(one) });
    await traffic.go();
    await running;
    traffic.done();
    expect(seen.map((one) => [one.interface.linkType, one.direction])).toEqual([[113, 'in']]);
  });

  test('a filter that does not compile', async () => {
    await expect(openCapSource({ device: 'lo', filter: 'udp port zz', program })).rejects.toMatchObject({
      name: 'UsageError',
      code: 'BAD_FILTER',
      message: "filter 'udp port zz': unknown port 'zz'",
    });
    await expect(openCapSource({ device: 'lo', filter: 'udp and (', program })).rejects.toMatchObject({
      code: 'BAD_FILTER',
    });
  });

  test('without the capability', () => {
    const script = `import(${JSON.stringify(index.href)})
      .then((room) => room.openCapSource({ device: 'lo' }))
      .catch((error) => console.log(JSON.stringify({ ...error, message: error.message })))`;
    const { stdout } = spawnSync(process.execPath, ['-e', script], { uid: 65_534, gid: 65_534, encoding: 'utf8' });
    const error = JSON.parse(stdout);
    expect(error).toMatchObject({ name: 'SocketError', code: 'EPERM', address: 'lo' });
    expect(error.advice).toMatch(/CAP_NET_RAW.*sudo/);
  });
});

describe.skipIf(missingNamespaces !== undefined)(
  `in a network namespace${missingNamespaces === undefined ? '' : ` (${missingNamespaces})`}`,
  () => {
    /** Runs `script` in a fresh namespace with a veth pair, va (10.9.9.1) and vb; its stdout as JSON. */
    function inNamespace(script: string): unknown {
      const name = `sockctl-cap-${process.pid}`;
      const ip = (...args: string[]): void => void execFileSync('ip', ['-n', name, ...args], { stdio: 'pipe' });
      execFileSync('ip', ['netns', 'add', name]);
      try {
        ip('link', 'add', 'va', 'type', 'veth', 'peer', 'name', 'vb');
        ip('addr', 'add', '10.9.9.1/24', 'dev', 'va');
        ip('neigh', 'add', '10.9.9.2', 'lladdr', '02:00:00:00:00:02', 'dev', 'va', 'nud', 'permanent');
        ip('link', 'set', 'va', 'up');
        ip('link', 'set', 'vb', 'up');
        const module = `import { execFileSync } from 'node:child_process'; import { createSocket } from 'node:dgram';
          import { openCapSource, openFileSink, runPipeline } from ${JSON.stringify(index.href)}; ${script}`;
        const args = ['netns', 'exec', name, process.execPath, '--input-type=module', '-e', module];
        return JSON.parse(execFileSync('ip', args, { encoding: 'utf8', timeout: 20_000 }));
      } finally {
        execFileSync('ip', ['netns', 'del', name]);
      }
    }

    /** Three datagrams leave va; when the third was seen, something happens to the interface. */
    const losing = (command: string, path: string): string => `
      const events = [];
      const source = await openCapSource({ device: 'va', filter: 'udp', onEvent: (event) => events.push(event) });
      const socket = createSocket('udp4');
      for (let i = 0; i < 3; i++) await new Promise((resolve) => socket.send('x', 9, '10.9.9.2', resolve));
      socket.close();
      const { error, ...summary } = await runPipeline({ source, sinks: [await openFileSink(${JSON.stringify(path)})],
        durationMs: 10000, onPacket: ({ number }) => number === 3 && execFileSync('ip', ${command}) });
      console.log(JSON.stringify({ ...summary, events, code: error?.code, message: error?.message }));`;

    test('the interface goes down: packets are kept, then one error', () => {
      const path = file('down.pcapng');
      expect(inNamespace(losing("['link', 'set', 'va', 'down']", path))).toMatchObject({
        captured: 3,
        received: 3,
        endReason: 'error',
        code: 'CAPTURE_DIED',
        message: expect.stringMatching(/^capture on va ended with SIGABRT: the interface went down$/),
        events: [{ event: 'interface-down', interface: 'va' }],
      });
      expect(decode(readFileSync(path)).packets).toHaveLength(3);
    });

    test('the interface goes away', () => {
      expect(inNamespace(losing("['link', 'del', 'va']", file('gone.pcapng')))).toMatchObject({
        captured: 3,
        code: 'CAPTURE_DIED',
        events: [{ event: 'interface-gone', interface: 'va' }],
      });
    });

    test('the interface is down from the start', () => {
      const script = `execFileSync('ip', ['link', 'set', 'va', 'down']);
        await openCapSource({ device: 'va' }).catch(({ code, message }) => console.log(JSON.stringify({ code, message })));`;
      expect(inNamespace(script)).toEqual({ code: 'ENETDOWN', message: 'bind va: network is down (ENETDOWN)' });
    });

    test('the child ends when its parent is killed', async () => {
      const script = `import(${JSON.stringify(index.href)}).then((room) => room.openCapSource({ device: 'lo' }))
        .then(() => { console.log('ready'); })`;
      const parent = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
      await once(parent.stdout, 'data');
      const [child] = readFileSync(`/proc/${parent.pid}/task/${parent.pid}/children`, 'latin1').trim().split(' ');
      expect(existsSync(`/proc/${child}`)).toBe(true);
      parent.kill('SIGKILL');
      const deadline = Date.now() + 5000;
      while (isRunning(child) && Date.now() < deadline) await new Promise(setImmediate);
      expect(isRunning(child)).toBe(false);
    });
  },
);

/** Neither gone nor a zombie that its new parent has not looked after yet. */
function isRunning(pid: string | undefined): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}

describe('what is refused before anything runs', () => {
  test.skipIf(!existsSync('/sys/class/net'))('an interface that does not exist (skipped without /sys)', async () => {
    await expect(openCapSource({ device: 'nope0' })).rejects.toMatchObject({ code: 'ENODEV', address: 'nope0' });
    await expect(openCapSource({ device: '../net' })).rejects.toMatchObject({ code: 'ENODEV' });
  });

  test('what cap can not do', async () => {
    await expect(openCapSource({ device: 'any', promiscuous: false })).rejects.toMatchObject({ code: 'BACKEND_LIMIT' });
    await expect(openCapSource({ device: 'any', snapshotLength: -1 })).rejects.toMatchObject({ code: 'USAGE' });
    await expect(openCapSource({ device: 'any', bufferSize: 2 ** 31 })).rejects.toMatchObject({ code: 'USAGE' });
    expect(() => checkFilter('udp and ip  broadcast')).toThrow(/ip broadcast/);
    expect(() => checkFilter('udp\0')).toThrow(/zero byte/);
    expect(() => checkFilter('udp) or (tcp')).toThrow(/syntax error/);
    expect(() => checkFilter('ether broadcast')).not.toThrow();
  });
});

describe("cap's answers", () => {
  test.each([
    ['ETHERNET', 1],
    ['LINKTYPE_LINUX_SLL', 113],
    ['LINKTYPE_ETHERNET', 1],
    ['RAW', 101],
    ['Unknown linktype 12', 101],
    ['Unknown linktype 253', 253],
    ['nonsense', undefined],
  ])('link type %s', (answer, linkType) => {
    expect(linkTypeOfCap(answer)).toBe(linkType);
  });

  test.each([
    ['No such device exists', 'no-device', 'ENODEV'],
    ['socket: Operation not permitted', 'not-permitted', 'EPERM'],
    ["You don't have permission to capture on that device", 'not-permitted', 'EPERM'],
    ['socket: Permission denied', 'not-permitted', 'EACCES'],
    ['That device is not up', 'not-up', 'ENETDOWN'],
    ['syntax error', undefined, 'BAD_FILTER'],
  ] as const)('%s', (message, failure, code) => {
    expect(classifyMessage(message)).toBe(failure);
    expect(openError(failure ?? 'filter', message, 'eth9', 'x').code).toBe(code);
  });

  test('a package that does not load', () => {
    expect(openError('missing', "Cannot find package 'cap'", 'lo', '').code).toBe('BACKEND_MISSING');
  });

  test('the length of a packet that filled the snapshot comes from its IP header', () => {
    const bytes = new Uint8Array(65_535);
    bytes.set([0x08, 0x00], 12);
    bytes.set([0xff, 0xff], 16);
    expect(originalLength(bytes, 1)).toBe(65_549);
    bytes.set([0x86, 0xdd], 12);
    bytes.set([0xff, 0xf0], 18);
    expect(originalLength(bytes, 1)).toBe(65_574);
    expect(originalLength(bytes.subarray(0, 100), 1)).toBe(100);
    expect(originalLength(bytes, 101)).toBe(65_535);
  });
});
