/** Filters on the command line: where they begin, and names in them. */
import { existsSync } from 'node:fs';
import { type FilteredSocket, type HostTable, resolveFilterHosts, socketFilter } from '../../capture/reading.js';
import { clip, UsageError } from '../../src/errors.js';
import { type OptionSetting, setting } from '../../src/options/settings.js';
import type { CommandContext } from '../context.js';

export interface FilterFlags {
  readonly resolve?: boolean;
}

/** A word that is no part of an expression, and was meant as a file. */
const PATH = /^[^\s[\]()=<>!]*(?:\/[^\s[\]()=<>!]*[A-Za-z][^\s[\]()=<>!]*|\.(?:pcap|pcapng|cap|gz|zst))$/;

/**
 * Files, and a filter behind them: from `--`, or from the first argument that names no file. The first is always a file.
 *
 * @throws UsageError where a filter would begin with what looks like the name of a file
 */
export function splitFilter(
  args: readonly string[],
  argv: readonly string[] = process.argv,
): { readonly files: readonly string[]; readonly filter: string } {
  const dashes = argv.indexOf('--');
  const isFile = (text: string) => text === '-' || existsSync(text);
  const found =
    dashes < 0 ? args.findIndex((text, i) => i > 0 && !isFile(text)) : args.length - (argv.length - dashes - 1);
  const end = found < 0 ? args.length : found;
  const first = args[end];
  if (dashes < 0 && first !== undefined && PATH.test(first)) {
    throw new UsageError(`'${clip(first)}' names no file, and no filter begins so`, 'check the path');
  }
  return { files: args.slice(0, end), filter: args.slice(end).join(' ') };
}

/** What names of hosts in the filter stand for; undefined where nobody has asked to look them up. */
export async function filterHosts(
  filter: string,
  { resolve }: FilterFlags,
  { signal }: CommandContext,
): Promise<HostTable | undefined> {
  return resolve === true ? resolveFilterHosts(filter, { signal }) : undefined;
}

/** The settings that have the kernel filter what a socket receives: none without a filter. */
export function filterSettings(
  filter: string,
  socket: FilteredSocket,
  hosts: HostTable | undefined,
): readonly OptionSetting[] {
  return filter.trim() === '' ? [] : [setting('SO_ATTACH_FILTER', socketFilter(filter, socket, { hosts }))];
}
