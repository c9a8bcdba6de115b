/** `capture compile`: the program of a filter, as tcpdump's -d, -dd and -ddd print it. */
import { compileFilter, type ListingForm, listProgram } from '../../capture/reading.js';
import { ExitCode } from '../../src/errors.js';
import { linkTypeName } from '../../src/wire/link-types.js';
import { type FilterFlags, filterHosts } from '../args/filter.js';
import type { CommandContext } from '../context.js';
import { recordHead } from '../render/record.js';

interface CompileFlags extends FilterFlags {
  /** How often it was given. */
  readonly d?: number;
  readonly optimise: boolean;
  readonly linkType: number;
  readonly snapshotLength?: number;
  readonly target: 'file' | 'kernel' | 'datagram';
}

const FORMS: readonly ListingForm[] = ['d', 'dd', 'ddd'];

export async function run([words]: [string[]], flags: CompileFlags, context: CommandContext): Promise<ExitCode> {
  const { json, output } = context;
  const { linkType, target, optimise } = flags;
  // As in captures, 0 is as much as there is.
  const snapshotLength = flags.snapshotLength || undefined;
  const filter = words.join(' ');
  const hosts = await filterHosts(filter, flags, context);
  const program = compileFilter(filter, { linkType, snapshotLength, target, optimise, hosts });
  if (json) {
    const head = { ...recordHead('capture.program'), filter, linkType: linkTypeName(linkType) };
    await output.record({ ...head, instructions: program });
    context.summary({ ...recordHead('summary'), endReason: 'eof' });
    return ExitCode.ok;
  }
  const form = FORMS[Math.min(flags.d ?? 1, FORMS.length) - 1] ?? 'd';
  for (const line of listProgram(program, form)) await output.line(line);
  return ExitCode.ok;
}
