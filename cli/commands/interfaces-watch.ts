/**
 * `interfaces --watch`: each change as a line or a record, and with --interval the rates of each interface. While the
 * reader of stdout takes nothing, changes are not read from the kernel either, and nothing piles up here; what comes
 * afterwards is the difference.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExitCode, SocketError } from '../../src/errors.js';
import { monotonicMs, roundMs } from '../../src/measure/clock.js';
import { addressEvent, type InterfaceEvent, linkEvents } from '../../src/socket/interface-events.js';
import { loadLibc } from '../../src/socket/native/libc.js';
import { type LinkChange, type LinkMonitor, openLinkMonitor } from '../../src/socket/native/link-monitor.js';
import type { LinkCounters } from '../../src/socket/native/netlink/link.js';
import type { CommandContext } from '../context.js';
import { interruptedExit } from '../exit-codes.js';
import { eventRecord, eventText, type InterfaceRate, rateRecord, rateText } from '../render/interfaces.js';
import { recordHead } from '../render/record.js';

export interface WatchOptions {
  /** Only what has this name, from the beginning or later. */
  readonly name: string | undefined;
  /** How often rates are told; undefined for never. */
  readonly intervalMs: number | undefined;
  /** Shows what there is at first; gives the indices of those that are watched, undefined for all. */
  begin(monitor: LinkMonitor): Promise<readonly (number | null)[] | undefined>;
}

/** To the signal that ends it. */
export async function watchInterfaces(context: CommandContext, options: WatchOptions): Promise<ExitCode> {
  const { output, signal } = context;
  const started = monotonicMs();
  let watched: Set<number> | undefined;
  let events = 0;
  const tell = (event: InterfaceEvent) => {
    if (watched?.has(event.index) === false) return;
    events++;
    const waiting = context.json ? output.record(eventRecord(event)) : output.line(eventText(event));
    if (waiting === undefined) return;
    monitor.follow(false);
    void waiting.then(() => monitor.follow(true));
  };
  const onChange = (change: LinkChange) => {
    const { link, kind } = change;
    if (kind !== 'gone' && link.name === options.name) watched?.add(link.index);
    for (const event of linkEvents(change, monitor.links)) tell(event);
    if (kind === 'gone') watched?.delete(link.index);
  };
  let onFailure: (error: SocketError) => void = () => undefined;
  const failed = new Promise<never>((_, reject) => {
    onFailure = reject;
  });
  // Whoever waits for it comes later, or has left.
  failed.catch(() => undefined);
  const monitor = await openLinkMonitor(await loadLibc(), {
    logger: context.logger,
    keepAlive: true,
    onChange,
    onAddress: (change) => tell(addressEvent(change, monitor.links)),
    onFailure,
  });
  try {
    // What happens meanwhile is told after it.
    monitor.follow(false);
    const chosen = await options.begin(monitor);
    watched = chosen === undefined ? undefined : new Set(chosen.filter((index) => index !== null));
    monitor.follow(true);
    const { intervalMs } = options;
    const ends: Promise<void>[] = [aborted(signal), failed];
    if (intervalMs !== undefined) ends.push(tellRates(context, monitor, intervalMs, () => watched));
    await Promise.race(ends);
  } finally {
    monitor.close();
  }
  const durationMs = roundMs(monotonicMs() - started);
  const interfaces = watched?.size ?? monitor.links.size;
  context.summary({ ...recordHead('interface.summary'), interfaces, events, durationMs, endReason: 'interrupted' });
  return interruptedExit(true);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

interface Sample {
  readonly counters: LinkCounters;
  readonly atMs: number;
}

/** The rates since the last time, on a schedule that does not drift, to the signal. */
async function tellRates(
  { json, output, signal }: CommandContext,
  monitor: LinkMonitor,
  intervalMs: number,
  watched: () => ReadonlySet<number> | undefined,
): Promise<void> {
  let before = samples(monitor);
  for (let due = monotonicMs() + intervalMs; ; due += intervalMs) {
    // Times that went by, as while the machine slept, are left out.
    const late = monotonicMs() - due;
    if (late > intervalMs) due += Math.floor(late / intervalMs) * intervalMs;
    await sleep(Math.max(0, due - monotonicMs()), undefined, { signal }).catch(() => undefined);
    await monitor.refresh();
    if (signal.aborted) return;
    const now = samples(monitor);
    for (const [index, { name, up }] of monitor.links) {
      const rate = up && watched()?.has(index) !== false ? rateBetween(before.get(index), now.get(index)) : undefined;
      if (rate === undefined) continue;
      await (json
        ? output.record(rateRecord({ name, index, ...rate }))
        : output.line(rateText({ name, index, ...rate })));
    }
    before = now;
  }
}

function samples({ links }: LinkMonitor): Map<number, Sample> {
  const atMs = monotonicMs();
  const all = new Map<number, Sample>();
  for (const [index, { counters }] of links) if (counters !== undefined) all.set(index, { counters, atMs });
  return all;
}

function rateBetween(
  before: Sample | undefined,
  after: Sample | undefined,
): Omit<InterfaceRate, 'name' | 'index'> | undefined {
  if (before === undefined || after === undefined) return undefined;
  const durationMs = after.atMs - before.atMs;
  const perSecond = (field: keyof LinkCounters) =>
    ((after.counters[field] - before.counters[field]) * 1000) / durationMs;
  const rate = {
    durationMs,
    packetsPerSecondIn: perSecond('receivedPackets'),
    packetsPerSecondOut: perSecond('sentPackets'),
    bitsPerSecondIn: 8 * perSecond('receivedBytes'),
    bitsPerSecondOut: 8 * perSecond('sentBytes'),
  };
  // Counters that went back are another interface's, or were set to zero.
  return Object.values(rate).every((value) => value >= 0) ? rate : undefined;
}
