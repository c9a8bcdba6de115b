/** The tour's raw and capture steps: ping both loopback addresses while their packets are captured, then read the file. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type CaptureSink,
  type CaptureSource,
  type CaptureSummary,
  createTextSink,
  openCapSource,
  openFileSink,
  openFileSource,
  openRingSource,
  packetRecord,
  runPipeline,
} from '../../../capture/index.js';
import { SockctlError, toSockctlError } from '../../../src/errors.js';
import { ping } from '../../../src/raw/ping/ping.js';
import type { PingRecord, PingSummary } from '../../../src/raw/ping/records.js';
import type { PingTarget } from '../../../src/raw/ping/targets.js';
import { parseIP } from '../../../src/sockaddr/ip.js';
import { nativeObstacle } from '../../../src/socket/native/libc.js';
import { dissect } from '../../../src/wire/dissect.js';
import { ICMP, ICMPV6 } from '../../args/protocols.js';
import { type PingLines, pingText } from '../../render/ping-sinks.js';
import { createSniffSource } from '../sniff-source.js';
import { expect, type Step, type StepContext, type StepResult } from './step.js';

const COUNT = 3;
const FILTER = 'icmp or icmp6';
/** Of a host that is its own name. */
const LINES: PingLines = {
  many: false,
  summaries: true,
  verbose: false,
  addressOf: () => undefined,
  advises: () => true,
  tellsTimeout: () => true,
};

export const echoStep: Step = {
  name: 'raw and capture',
  title: 'raw ping of 127.0.0.1 and ::1 while a capture on lo writes a pcapng, which is then read back',
  commands: [
    `sudo sockctl capture -i lo -w ping.pcapng '${FILTER}'`,
    `sudo sockctl raw ping -c ${COUNT} -i 0.2 127.0.0.1 ::1`,
    'sockctl capture read ping.pcapng',
  ],
  run: async (context) => {
    const folder = await mkdtemp(join(tmpdir(), 'sockctl-demo-'));
    try {
      return await pingAndCapture(context, join(folder, 'ping.pcapng'));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

async function pingAndCapture(context: StepContext, file: string): Promise<StepResult> {
  const lines: string[] = [];
  const capture = await startCapture(context, file, lines);
  const { summaries, unavailable } = await pingLoopback(context, lines);
  const captured = await capture?.stop();
  if (summaries.length === 0) return { outcome: 'skipped', lines: [...lines, ...unavailable] };
  lines.push(...unavailable);
  for (const { target, received, errors } of summaries) {
    expect(received === COUNT && errors === 0, `${target} answered ${received} of ${COUNT} probes`);
  }
  if (captured === undefined) return { outcome: 'ok', lines };
  if (captured.error !== undefined) throw captured.error;
  lines.push(
    `${captured.captured} packets in ping.pcapng; dropped by the kernel: ${captured.droppedKernel ?? 'unknown'}`,
  );
  await readBack(file, summaries, lines);
  return { outcome: 'ok', lines };
}

/** Pings each loopback address that this system has. */
async function pingLoopback(context: StepContext, lines: string[]) {
  const summaries: PingSummary[] = [];
  const unavailable: string[] = [];
  for (const name of ['127.0.0.1', '::1']) {
    const target: PingTarget = { name, address: parseIP(name) };
    try {
      for await (const record of pingOne(context, target)) {
        if (record.type === 'ping.summary') summaries.push(record);
        lines.push(...(pingText(record, LINES) ?? '').split('\n').filter((line) => line !== ''));
      }
    } catch (error) {
      const { code, message, advice } = toSockctlError(error);
      if (!['EPERM', 'EACCES', 'EAFNOSUPPORT', 'BACKEND_MISSING'].includes(code)) throw error;
      unavailable.push(`${name} not pinged: ${message}; ${advice}`);
    }
  }
  return { summaries, unavailable };
}

async function* pingOne(context: StepContext, target: PingTarget): AsyncGenerator<PingRecord> {
  yield* ping([target], {
    backend: await context.command.backend(),
    logger: context.trace('ping'),
    count: COUNT,
    intervalMs: 200,
    signal: context.command.signal,
  });
}

interface RunningCapture {
  stop(): Promise<CaptureSummary>;
}

/** The kernel's ring where system calls can be had, otherwise the cap package. */
async function captureLoopback({ command }: StepContext, lines: string[]): Promise<CaptureSource> {
  if (command.backendChoice !== 'portable' && nativeObstacle() === undefined) {
    const source = await openRingSource({ devices: ['lo'], filter: FILTER });
    lines.push("captured through the kernel's ring");
    return source;
  }
  const source = await openCapSource({ device: 'lo', filter: FILTER });
  lines.push('captured by libpcap (the cap package) in a process of its own');
  return source;
}

/** A link capture where it and the permission can be had, otherwise raw sockets, otherwise none. */
async function startCapture(context: StepContext, file: string, lines: string[]): Promise<RunningCapture | undefined> {
  let source: CaptureSource;
  const ready = { wait: Promise.resolve() };
  try {
    source = await captureLoopback(context, lines);
  } catch (error) {
    const { message, code } = toSockctlError(error);
    if (code === 'EPERM' || code === 'EACCES') {
      lines.push(`no capture: ${message}; run it with sudo`);
      return undefined;
    }
    lines.push(`no link capture: ${message}; raw sockets are captured instead`);
    source = await sniffInstead(context, ready);
  }
  const stop = new AbortController();
  const sink: CaptureSink = await openFileSink(file);
  const done = runPipeline({ source, sinks: [sink], signal: stop.signal });
  await Promise.race([ready.wait, done]);
  return {
    stop: () => {
      stop.abort();
      return done;
    },
  };
}

async function sniffInstead(context: StepContext, ready: { wait: Promise<void> }): Promise<CaptureSource> {
  const backend = await context.command.backend();
  let open: () => void = () => undefined;
  ready.wait = new Promise((resolve) => {
    open = resolve;
  });
  // The portable backend does not tell what is in the headers of IPv6.
  const protocols = backend.name === 'native' ? [ICMP, ICMPV6] : [ICMP];
  return createSniffSource(protocols, { backend, logger: context.trace('sniff'), onListening: open });
}

/** Prints the file, and checks that it holds each request and each reply. */
async function readBack(file: string, summaries: readonly PingSummary[], lines: string[]): Promise<void> {
  const found = { request: 0, reply: 0 };
  const decoder = createTextSink((text) => {
    lines.push(...String(text).trimEnd().split('\n'));
  });
  const summary = await runPipeline({
    source: await openFileSource(file),
    sinks: [decoder],
    onPacket: (packet) => {
      const { layers } = packetRecord(packet, dissect(packet.bytes, packet.interface.linkType));
      for (const layer of layers as { protocol: string; icmpType?: number }[]) {
        if (layer.protocol === 'icmp' || layer.protocol === 'icmpv6') {
          if (layer.icmpType === 8 || layer.icmpType === 128) found.request++;
          if (layer.icmpType === 0 || layer.icmpType === 129) found.reply++;
        }
      }
    },
  });
  if (summary.error !== undefined) throw summary.error;
  const wanted = COUNT * summaries.length;
  if (found.request < wanted || found.reply < wanted) {
    throw new SockctlError('BAD_CAPTURE', {
      what: `the capture holds ${found.request} requests and ${found.reply} replies, not ${wanted} of each`,
    });
  }
}
