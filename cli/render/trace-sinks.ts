/** Where the records of a trace go: lines, a report, records or a view; one of them for each run. */
import type { TraceOpened, TraceTarget } from '../../src/raw/trace/options.js';
import type { TraceHop, TraceSummary } from '../../src/raw/trace/records.js';
import type { TraceTable } from '../../src/raw/trace/table.js';
import type { CommandContext } from '../context.js';
import { liveLine } from './live-line.js';
import { onStatistics } from './statistics-signal.js';
import type { HostFacts } from './trace-facts.js';
import { addressesOf, hopJson, reportJson, summaryJson } from './trace-json.js';
import { traceTable } from './trace-table.js';
import { reportEnd, TraceText, traceHeader } from './trace-text.js';

export interface TraceSink {
  /** The sockets are open. */
  opened(opened: TraceOpened): void;
  hop(hop: TraceHop): void | Promise<void>;
  end(summary: TraceSummary): Promise<void>;
  /** Called in every case, at the very end. */
  close(): void | Promise<void>;
}

export interface TraceSinkOptions {
  readonly target: TraceTarget;
  readonly context: CommandContext;
  readonly facts: HostFacts;
  readonly table: TraceTable;
  readonly flows: number;
  readonly trafficClass: number;
  readonly verbose: boolean;
  /** How many rounds there are to be; undefined for one, without a report. */
  readonly rounds: number | undefined;
}

/** Hops that may wait for what name servers say; then the trace's records wait too. */
const WAITING_MAX = 1024;

/** Writes in order what may have to wait for what is known of hosts, while what comes next is asked about already. */
class Ordered {
  readonly #facts: HostFacts;
  #last: Promise<void> = Promise.resolve();
  #waiting = 0;

  constructor(facts: HostFacts) {
    this.#facts = facts;
  }

  add(addresses: readonly string[], write: () => void | Promise<void>): void | Promise<void> {
    const known = this.#facts.settled(addresses);
    this.#waiting++;
    this.#last = this.#last
      .then(() => known)
      .then(write)
      .finally(() => this.#waiting--);
    return this.#waiting < WAITING_MAX ? undefined : this.#last;
  }

  done(): Promise<void> {
    return this.#last;
  }
}

/** A line for each hop, when it is complete and those before it are. */
export function lineSink(options: TraceSinkOptions): TraceSink {
  const { target, context, facts } = options;
  const { output } = context;
  const text = new TraceText({ ...options, facts: facts.of });
  const ordered = new Ordered(facts);
  const endStatistics = tellTable(options);
  return {
    opened: (opened) => void output.line(text.header(target, opened)),
    hop: (hop) => ordered.add(addressesOf(hop), () => output.write(`${text.hop(hop).join('\n')}\n`)),
    end: async (summary) => {
      await ordered.done();
      await output.write(`${text.end(summary).join('\n')}\n`);
    },
    close: endStatistics,
  };
}

/** The figures of all rounds, when they are over. */
export function reportSink(options: TraceSinkOptions): TraceSink {
  const { target, context, facts, rounds } = options;
  const progress = liveLine();
  const endStatistics = tellTable(options);
  return {
    opened: (opened) => void context.output.line(traceHeader(target, opened)),
    hop: (hop) => {
      // Asked while there is time.
      for (const address of addressesOf(hop)) facts.of(address);
      progress?.show(`round ${hop.round} of ${rounds}`);
    },
    end: async (summary) => {
      progress?.clear();
      await writeReport(summary, options);
    },
    close: () => {
      progress?.clear();
      endStatistics();
    },
  };
}

/** The table of all rounds, and how they have ended. */
export async function writeReport(summary: TraceSummary, { context, facts, flows }: TraceSinkOptions): Promise<void> {
  const { path } = summary;
  await facts.settled(path.flatMap(({ addresses }) => addresses.map(({ address }) => address)));
  await context.output.write(`${[...traceTable(path, flows, facts.of), ...reportEnd(summary)].join('\n')}\n`);
}

/** `--json`: each hop of each round, with a report its figures, and a summary. */
export function recordSink(options: TraceSinkOptions): TraceSink {
  const { context, facts, rounds } = options;
  const { output } = context;
  const ordered = new Ordered(facts);
  const first: TraceHop[] = [];
  const endStatistics = tellTable(options);
  return {
    opened: () => undefined,
    hop: (hop) => {
      if (hop.round === 1) first.push(hop);
      return ordered.add(addressesOf(hop), () => output.record(hopJson(hop, facts.of)));
    },
    end: async (summary) => {
      await ordered.done();
      if (rounds !== undefined) for (const record of reportJson(summary, facts.of)) await output.record(record);
      context.summary(summaryJson(summary, first));
    },
    close: endStatistics,
  };
}

/** SIGUSR1 asks how it stands. */
function tellTable({ table, flows, facts }: TraceSinkOptions): () => void {
  return onStatistics(() => process.stderr.write(`${traceTable(table.rows(), flows, facts.of).join('\n')}\n`));
}
