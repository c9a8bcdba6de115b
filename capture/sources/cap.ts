/**
 * Captures with libpcap through the cap package: a program of its own, run by cap-process.ts as a child process,
 * because cap ends its whole process with an assertion when the interface goes down. The one file that knows cap.
 *
 * cap hands over neither the time nor the original length of a packet: the time is taken here, on arrival in user
 * space, and the length is what was captured, except where originalLength() knows better.
 *
 * While packets arrive faster than they are handled, cap's loop never returns to Node's event loop: no timer, no message
 * and no stream callback runs. All that must go on then happens inside of the packet handler: the pipe is written
 * directly, and the end of stdin, which means 'stop', is looked for.
 */
import { readSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Cap } from 'cap';
import { portableWallClock } from '../../src/measure/clock.js';
import { dropPrivileges } from '../../src/socket/privileges.js';
import { RECORD_HEADER_LENGTH } from '../format/pcap-records.js';
import { PcapWriter } from '../format/pcap-writer.js';
import type { CaptureInterface } from '../record.js';
import {
  CAP_SNAPSHOT_LENGTH,
  type CapMessage,
  type CaptureRequest,
  classifyMessage,
  linkTypeOfCap,
  type OpenFailure,
  originalLength,
} from './cap-messages.js';
import { Outlet } from './outlet.js';

const STATS_INTERVAL_MS = 100;
const RETRY_MS = 2;
/** How long packets that the kernel holds already are still taken after a stop. */
const DRAIN_MS = 200;
/** After this long without a turn of the event loop, the packet handler looks for the end of stdin itself. */
const STARVED_MS = 100;

/** A failed open leaves an object that crashes when it is collected: nothing here may be, before the process ends. */
const kept: unknown[] = [];

const request = JSON.parse(process.argv[2] ?? '{}') as CaptureRequest;

// A terminal sends its signals to every process in front: the parent decides, and what was captured is not lost.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);

function say(message: CapMessage, then: () => void = () => undefined): void {
  if (process.connected) process.send?.(message, undefined, undefined, then);
  else then();
}

function fail(failure: OpenFailure, error: unknown): void {
  const message = (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
  say({ type: 'error', failure, message }, () => process.exit(1));
}

/** 0 while the pipe is full. When nobody reads any more, the bytes are gone: the end of stdin follows. */
function writePipe(bytes: Uint8Array): number {
  try {
    return writeSync(1, bytes);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EAGAIN' ? 0 : bytes.length;
  }
}

function stdinEnded(): boolean {
  try {
    return readSync(0, Buffer.alloc(1)) === 0;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'EAGAIN';
  }
}

function open(PackageCap: typeof Cap): void {
  const buffer = Buffer.alloc(CAP_SNAPSHOT_LENGTH + 1);
  const cap = new PackageCap();
  kept.push(cap, buffer);
  let answer: string;
  try {
    answer = cap.open(request.device, request.filter, request.bufferSize, buffer);
  } catch (error) {
    fail(classifyMessage((error as Error).message) ?? (filterIsAtFault(PackageCap) ? 'filter' : 'other'), error);
    return;
  }
  const linkType = linkTypeOfCap(answer);
  try {
    if (request.account !== undefined) dropPrivileges(request.account);
  } catch (error) {
    fail('other', error);
    return;
  }
  if (linkType === undefined) fail('other', `cap reports an unknown link type, '${answer}'`);
  else capture(cap, buffer, linkType);
}

/** cap's error does not say which call failed: if the device opens without the filter, it was the filter. */
function filterIsAtFault(PackageCap: typeof Cap): boolean {
  if (request.filter === '') return false;
  const cap = new PackageCap();
  const buffer = Buffer.alloc(CAP_SNAPSHOT_LENGTH + 1);
  kept.push(cap, buffer);
  try {
    cap.open(request.device, '', request.bufferSize, buffer);
    return true;
  } catch {
    return false;
  }
}

function capture(cap: Cap, buffer: Buffer, linkType: number): void {
  const { device: name, snapshotLength } = request;
  const from: CaptureInterface = { id: 0, name, linkType, snapshotLength };
  const writer = new PcapWriter();
  // Both ends become non-blocking this way, which the direct calls above rely on.
  const stdout = new Socket({ fd: 1, readable: false, writable: true });
  const stdin = new Socket({ fd: 0, readable: true, writable: false });
  kept.push(stdout, stdin);
  const outlet = new Outlet(request.queueSize, writePipe);
  outlet.add(0, (out) => writer.open(out, [from]));

  let received = 0;
  let reported = -1;
  let stopBy = Number.POSITIVE_INFINITY;
  let closed = false;
  let turn = Date.now();
  let flushScheduled = false;

  const report = (): void => {
    if (received === reported) return;
    reported = received;
    say({ type: 'stats', received, dropped: outlet.dropped });
  };
  const flush = (): void => {
    flushScheduled = false;
    turn = Date.now();
    if (!outlet.flush()) {
      flushScheduled = true;
      setTimeout(flush, RETRY_MS);
    } else if (closed) {
      say({ type: 'stats', received, dropped: outlet.dropped }, () => process.exit(0));
    }
  };
  const close = (): void => {
    if (closed) return;
    closed = true;
    cap.close();
    if (!flushScheduled) setImmediate(flush);
    flushScheduled = true;
  };
  // What is in the kernel's ring by now was caught before the stop: one more look at it, within bounds.
  const stop = (): void => {
    if (stopBy !== Number.POSITIVE_INFINITY) return;
    stopBy = Date.now() + DRAIN_MS;
    setImmediate(() => setImmediate(close));
  };

  cap.on('packet', (length: number) => {
    if (closed) return;
    const timestamp = portableWallClock();
    received += 1;
    const bytes = buffer.subarray(0, Math.min(length, snapshotLength));
    const full = originalLength(buffer.subarray(0, length), linkType);
    outlet.add(RECORD_HEADER_LENGTH + bytes.length, (out) => {
      writer.packet(out, {
        number: received,
        timestamp,
        interface: from,
        direction: null,
        originalLength: full,
        bytes,
      });
    });
    if (!flushScheduled) {
      flushScheduled = true;
      setImmediate(flush);
    }
    if ((received & 0xff) !== 0) return;
    const now = Date.now();
    if (now > stopBy) close();
    if (now - turn > STARVED_MS) {
      turn = now;
      outlet.flush();
      report();
      if (stdinEnded()) stop();
    }
  });

  stdin.on('end', stop).on('close', stop).on('error', stop).resume();
  setInterval(report, STATS_INTERVAL_MS);
  outlet.flush();
  say({ type: 'ready', linkType });
}

import('cap').then(
  ({ default: { Cap: PackageCap } }) => open(PackageCap),
  (error: unknown) => fail('missing', error),
);
