/** Where the records of a ping go: lines, NDJSON, names of hosts, or the dots of a flood. A batch is one write. */
import type { PingRecord, PingSummary } from '../../src/raw/ping/records.js';
import type { CommandContext } from '../context.js';
import { errorLine, type PingNames, replyText, timeoutText } from './ping.js';
import { pingJson, pingJsonLine } from './ping-json.js';
import { summaryLine, summaryText, totalText } from './ping-summary.js';

export interface PingSink {
  /** Where it returns a promise, that resolves when there is room for more. */
  write(batch: readonly PingRecord[]): void | Promise<void>;
}

export interface PingLines extends PingNames {
  /** Whether each of several hosts has a line at the end. */
  readonly summaries: boolean;
  /** Whether messages that are nobody's are counted: a raw socket sees those of every other ping too. */
  readonly verbose: boolean;
  /** Whether what to try is said with an error of this machine: with the first one of a code. */
  advises(code: string): boolean;
  /** Whether it is worth a line that this target has not answered. */
  tellsTimeout(target: string): boolean;
}

/** The lines of a record; undefined for none. */
export function pingText(record: PingRecord, lines: PingLines): string | undefined {
  switch (record.type) {
    case 'ping.reply':
      return replyText(record, lines);
    case 'ping.timeout':
      return lines.tellsTimeout(record.target) ? timeoutText(record, lines) : undefined;
    case 'ping.error':
      return errorLine(record, lines, record.code !== undefined && lines.advises(record.code));
    case 'ping.summary':
      if (!lines.many) return summaryText(record, lines.verbose);
      return lines.summaries ? summaryLine(record) : undefined;
    case 'ping.total':
      return totalText(record, lines.verbose);
  }
}

/** A sink of one text for each batch. */
function lineSink({ output }: CommandContext, lineOf: (record: PingRecord) => string | undefined): PingSink {
  return {
    write: (batch) => {
      let text = '';
      for (const record of batch) {
        const line = lineOf(record);
        if (line !== undefined) text += `${line}\n`;
      }
      return text === '' ? undefined : output.write(text);
    },
  };
}

/** Lines as ping(8) has them. */
export function textSink(context: CommandContext, lines: PingLines): PingSink {
  return lineSink(context, (record) => pingText(record, lines));
}

export type Names = 'alive' | 'unreachable';

/** Whether the summary is of a host that is asked for; what is not known at the end is neither. */
export function isNamed(summary: PingSummary, names: Names): boolean {
  const { received, late, lost, errors } = summary;
  const answers = received + late;
  return names === 'alive' ? answers > 0 : answers === 0 && lost + errors > 0;
}

/** The hosts alone, one a line: those that answer as soon as they do. */
export function nameSink(context: CommandContext, names: Names): PingSink {
  const told = new Set<string>();
  return lineSink(context, (record) => {
    if (record.type === 'ping.summary')
      return names === 'unreachable' && isNamed(record, names) ? record.target : undefined;
    if (record.type !== 'ping.reply' || names !== 'alive' || told.has(record.target)) return undefined;
    told.add(record.target);
    return record.target;
  });
}

/**
 * Each record as it is. The last one, of type `last`, is the summary of the command.
 *
 * @param names the hosts whose summaries alone are told; undefined for everything
 */
export function jsonSink(
  context: CommandContext,
  last: 'ping.summary' | 'ping.total',
  names: Names | undefined,
): PingSink {
  return {
    write: (batch) => {
      let text = '';
      let ready: Promise<void> | undefined;
      for (const record of batch) {
        if (record.type === last) {
          ready = context.output.write(text) ?? undefined;
          text = '';
          context.summary(pingJson(record));
        } else if (names === undefined || (record.type === 'ping.summary' && isNamed(record, names))) {
          text += pingJsonLine(record);
        }
      }
      return text === '' ? ready : context.output.write(text);
    },
  };
}

/** A flood on a terminal: a dot for each probe that is lost, taken back when its answer comes all the same. */
export function floodSink(context: CommandContext, lines: PingLines): PingSink {
  const { output } = context;
  return {
    write: (batch) => {
      let text = '';
      for (const record of batch) {
        if (record.type === 'ping.timeout') text += '.';
        else if (record.type === 'ping.error') text += record.settles ? 'E' : '';
        else if (record.type === 'ping.reply') text += record.takesBack === true ? '\b \b' : '';
        else {
          const line = pingText(record, lines);
          if (line !== undefined) text += `${line}\n`;
        }
      }
      return text === '' ? undefined : output.write(text);
    },
  };
}

/** The summaries alone, for after a view. */
export function summarySink(context: CommandContext, lines: PingLines): PingSink {
  return textSink(context, { ...lines, tellsTimeout: () => false });
}
