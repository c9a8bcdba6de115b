/** The flags of `raw send`, and which of them go together. */
import { UsageError } from '../../src/errors.js';
import type { PaceFlags } from './send-pace.js';

export interface SendFlags extends PaceFlags {
  readonly interface?: string;
  readonly count?: number;
  readonly fragment?: number;
  readonly answer?: number;
  readonly dryRun?: boolean;
  readonly fromJson?: string;
  readonly file?: string;
  readonly loop?: number;
  readonly cut?: boolean;
  readonly seed?: number;
  readonly layers?: boolean | string;
  readonly detail?: boolean;
  readonly write?: string;
  readonly print?: boolean;
  readonly yes?: boolean;
}

/** @throws UsageError for flags that contradict each other */
export function checkSendFlags(text: string | undefined, flags: SendFlags, { json }: { readonly json: boolean }): void {
  const { fromJson, file, answer, dryRun, write, print } = flags;
  const given = [
    ...(text === undefined ? [] : ['a packet']),
    ...(fromJson === undefined ? [] : ['--from-json']),
    ...(file === undefined ? [] : ['--file']),
  ];
  if (given.length === 0) {
    throw new UsageError('raw send: what is to be sent?', `write a packet: 'ip(dst=127.0.0.1)/icmp()/"hello"'`);
  }
  if (given.length > 1) throw new UsageError(`${given.join(' and ')}: one of them`);
  const refuse = (flag: keyof SendFlags, name: string, why: string, advice?: string) => {
    if (flags[flag] !== undefined) throw new UsageError(`${name}: ${why}`, advice);
  };
  if (text === undefined) {
    refuse('count', '--count', 'it is about a packet that is written', 'for a capture there is --loop');
    refuse('seed', '--seed', 'it is about a packet that is written');
  } else {
    refuse('speed', '--speed', 'a packet that is written has no time of its own', 'give --rate');
    refuse('loop', '--loop', 'it is about a capture', 'give --count');
  }
  if (file === undefined) refuse('cut', '--cut', 'it is about a capture');
  else {
    refuse('answer', '--answer', 'answers of a capture are in the capture', 'leave it out');
    refuse('fragment', '--fragment', 'packets of a capture are sent as they are', 'feed them to --from-json');
  }
  if (fromJson !== undefined) refuse('loop', '--loop', 'records are read once', 'write them into a file: --dry-run -w');
  if (file === '-' && (flags.loop ?? 1) > 1) throw new UsageError('--loop: stdin is read once', 'name a file');
  if (dryRun === true && answer !== undefined) throw new UsageError('--answer: nothing answers what is not sent');
  if (dryRun === true && print === false && write === undefined) {
    throw new UsageError(
      '--no-print: printing is all that --dry-run does',
      'leave it out, or write the packets: -w FILE',
    );
  }
  if (flags.detail === true && dryRun !== true) throw new UsageError('--detail: it is about --dry-run');
  if (write === '-' && (json || print === true || answer !== undefined)) {
    throw new UsageError('-w -: something else would go to stdout too', 'write to a file');
  }
}
