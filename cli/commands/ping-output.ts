/** What `raw ping` shows, as its flags ask for: where records go, and the view of `--live`. */
import { UsageError } from '../../src/errors.js';
import type { Logger } from '../../src/log/events.js';
import type { PingPlan } from '../../src/raw/ping/options.js';
import type { PingRecord, PingStanding } from '../../src/raw/ping/records.js';
import type { PingFlags } from '../args/ping-options.js';
import type { CommandContext } from '../context.js';
import { checkLiveTerminal, liveTerminal } from '../render/live-terminal.js';
import { type PingHosts, pingHeader } from '../render/ping.js';
import { livePing } from '../render/ping-live.js';
import { watchPing } from '../render/ping-progress.js';
import {
  floodSink,
  jsonSink,
  nameSink,
  type PingLines,
  type PingSink,
  summarySink,
  textSink,
} from '../render/ping-sinks.js';
import { grouped } from '../render/report.js';
import { namesOf } from './ping-plan.js';

export interface PingOutput {
  /** Which records are wanted. */
  readonly tell: NonNullable<PingPlan['tell']>;
  /** For whoever logs meanwhile. */
  readonly logger: Logger;
  /** The run has begun; `standing` tells how it stands. */
  begin(standing: () => PingStanding): void;
  write(batch: readonly PingRecord[]): void | Promise<void>;
  /** Puts the terminal back, where it was taken, and prints what is to be seen after that. */
  close(): Promise<void>;
}

/** Hosts of a view at most. */
const VIEW_MAX = 65_536;
/** Hosts that have a row of their own before anything is known of them. */
const ROWS_AT_FIRST = 4096;

/** @throws UsageError for a view where there is no terminal, or too many hosts for one */
export function openPingOutput(
  hosts: PingHosts,
  flags: PingFlags,
  plan: PingPlan,
  context: CommandContext,
): PingOutput {
  if (flags.live === true) return liveOutput(hosts, flags, plan, context);
  const names = namesOf(flags);
  const { json, logger } = context;
  const lines = linesOf(hosts, flags, plan);
  const last = lines.many ? 'ping.total' : 'ping.summary';
  const { sink, tell } = chooseSink(flags, lines, context);
  // Where nothing else is to be seen on the terminal, it is shown how far a sweep is.
  const idle = names !== undefined || tell !== 'everything' || process.stdout.isTTY !== true;
  const watch = watchPing(hosts.set.count, flags, context, { live: idle && lines.many });
  return {
    tell,
    logger,
    begin: (standing) => {
      if (!json && names === undefined) void context.output.line(pingHeader(hosts, plan));
      watch.begin(standing);
    },
    write: (batch) => {
      watch.clear();
      // Nothing is told of a run behind its last record.
      if (batch.at(-1)?.type === last) watch.end();
      return sink.write(batch);
    },
    close: async () => watch.end(),
  };
}

function linesOf({ set, named }: PingHosts, flags: PingFlags, plan: PingPlan): PingLines {
  const advised = new Set<string>();
  return {
    many: set.count > 1n,
    addressOf: (target) => {
      const address = named.get(target)?.address.toString();
      return address === target ? undefined : address;
    },
    // Of hosts that are gone through once, the lines about their probes have said everything.
    summaries: plan.count !== 1 && plan.retries === undefined,
    verbose: (flags.verbose ?? 0) > 0,
    advises: (code) => {
      const isFirst = !advised.has(code);
      advised.add(code);
      return isFirst;
    },
    // Of a block, those that are not there are of no interest one by one.
    tellsTimeout: (target) => set.count === 1n || named.has(target),
  };
}

function chooseSink(
  flags: PingFlags,
  lines: PingLines,
  context: CommandContext,
): { readonly sink: PingSink; readonly tell: PingOutput['tell'] } {
  const names = namesOf(flags);
  const quiet = flags.summaryOnly === true;
  // A host that is sent one probe is a single probe as well.
  const summaries = lines.summaries ? 'summaries' : 'total';
  if (context.json) {
    const sink = jsonSink(context, lines.many ? 'ping.total' : 'ping.summary', names);
    return { sink, tell: names !== undefined ? 'summaries' : quiet ? summaries : 'everything' };
  }
  if (names !== undefined) {
    return { sink: nameSink(context, names), tell: names === 'alive' ? 'everything' : 'summaries' };
  }
  if (flags.flood === true && !quiet && process.stdout.isTTY === true) {
    return { sink: floodSink(context, lines), tell: 'everything' };
  }
  // Of a flood nobody wants to read a line for each probe.
  return { sink: textSink(context, lines), tell: quiet || flags.flood === true ? summaries : 'everything' };
}

function liveOutput(hosts: PingHosts, flags: PingFlags, plan: PingPlan, context: CommandContext): PingOutput {
  const { set, named } = hosts;
  checkLiveTerminal('for figures now and then: --progress 1s, with --json as records');
  if (set.count > VIEW_MAX) {
    throw new UsageError(
      `--live: ${grouped(set.count)} hosts are too many for a view`,
      `give it ${grouped(VIEW_MAX)} at most`,
    );
  }
  const { frame, logger, shared } = liveTerminal(flags, context, (text) => live.view.notice(text));
  const first = set.count <= ROWS_AT_FIRST ? Array.from({ length: set.size }, (_, i) => set.at(i)) : named.values();
  const live = livePing(frame, pingHeader(hosts, plan), first, Number(set.count));
  const lines = linesOf(hosts, flags, plan);
  const summaries = summarySink(context, lines);
  const answer = shared ? (text: string) => live.view.notice(text) : undefined;
  const watch = watchPing(set.count, flags, context, { live: false, answer });
  const last: PingRecord[] = [];
  return {
    tell: 'everything',
    logger,
    begin: (standing) => {
      live.view.open();
      watch.begin(standing);
    },
    write: (batch) => {
      live.add(batch);
      for (const record of batch) if (record.type === 'ping.summary' || record.type === 'ping.total') last.push(record);
    },
    close: async () => {
      watch.end();
      await live.view.close();
      await summaries.write(last);
    },
  };
}
