/** What a step of the tour is, and how it shows what it did. */
import { describeEvent } from '../../../src/log/describe.js';
import type { LogEvent, Logger } from '../../../src/log/events.js';
import type { CommandContext } from '../../context.js';

export type Outcome = 'ok' | 'skipped' | 'failed';

export interface StepResult {
  readonly outcome: Outcome;
  /** What came out, a line each. */
  readonly lines: readonly string[];
}

export interface Step {
  readonly name: string;
  readonly title: string;
  /** What a user would type for it. */
  readonly commands: readonly string[];
  run(context: StepContext): Promise<StepResult>;
}

export interface StepContext {
  readonly command: CommandContext;
  /** A logger whose events are shown under `who` as the socket calls of this step. */
  trace(who: string): Logger;
}

/** A check of the step failed: what was expected and what came. */
export class StepFailure extends Error {
  override readonly name = 'StepFailure';
}

export function expect(condition: boolean, what: string): void {
  if (!condition) throw new StepFailure(what);
}

/** Collects the socket calls of a step. */
export class CallTrace {
  readonly calls: { who: string; text: string }[] = [];
  /** Fallbacks and other warnings, to be shown with the result. */
  readonly notes: string[] = [];

  logger(who: string): Logger {
    return {
      enabled: (level) => level !== 'trace',
      log: (level, event) => {
        if (level === 'trace') return;
        if (isCall(event)) this.calls.push({ who, text: describeEvent(event) });
        else if (event.event === 'fallback') this.notes.push(describeEvent(event));
      },
    };
  }

  /** The calls, runs of the same one folded. */
  lines(): string[] {
    const width = Math.max(0, ...this.calls.map(({ who }) => who.length));
    return this.calls.map(({ who, text }) => `${who.padEnd(width)}  ${text}`);
  }
}

const CALLS: readonly LogEvent['event'][] = [
  'socket',
  'setsockopt',
  'bind',
  'getsockname',
  'listen',
  'accept',
  'connect',
  'shutdown',
  'close',
];

function isCall(event: LogEvent): boolean {
  return CALLS.includes(event.event);
}
