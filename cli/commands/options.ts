/** `options`: the table of socket options, with the values that a new socket has here. */
import { ExitCode, UsageError } from '../../src/errors.js';
import { findOption, SOCKET_OPTIONS, type SocketKind, type SocketOption } from '../../src/options/table.js';
import { describeType, formatOptionValue, type OptionValue } from '../../src/options/value.js';
import { readDefaults } from '../../src/socket/native/defaults.js';
import { type CommandContext, recordHead } from '../context.js';

interface OptionsFlags {
  readonly type?: SocketKind;
}

const KINDS: readonly SocketKind[] = ['stream', 'datagram', 'raw', 'ping'];

export async function run(
  [name]: [string | undefined],
  flags: OptionsFlags,
  context: CommandContext,
): Promise<ExitCode> {
  const rows = chosen(name, flags.type);
  const defaults = new Map<SocketKind, Map<string, OptionValue>>();
  for (const kind of KINDS) {
    const wanted = flags.type === undefined || flags.type === kind;
    if (wanted && context.backendChoice !== 'portable') defaults.set(kind, await readDefaults(kind));
  }
  context.dropPrivileges();
  /** On the first kind of socket that has one. */
  const defaultOf = (option: SocketOption): string | null => {
    for (const values of defaults.values()) {
      const value = values.get(option.name);
      if (value !== undefined) return formatOptionValue(option.type, value);
    }
    return null;
  };
  if (context.json) {
    for (const option of rows) void context.output.record(optionRecord(option, defaultOf(option)));
    context.summary({ ...recordHead('option.summary'), options: rows.length, endReason: 'eof' });
  } else {
    await context.output.write(
      name === undefined ? tableText(rows, defaultOf) : rows.map((row) => oneText(row, defaultOf(row))).join('\n'),
    );
  }
  return ExitCode.ok;
}

function chosen(name: string | undefined, kind: SocketKind | undefined): readonly SocketOption[] {
  const fitting = SOCKET_OPTIONS.filter((option) => kind === undefined || option.sockets.includes(kind));
  if (name === undefined) return fitting;
  const exact = findOption(name.toUpperCase());
  const found = exact === undefined ? fitting.filter((option) => option.name.includes(name.toUpperCase())) : [exact];
  if (found.length > 0) return found;
  throw new UsageError(
    `options ${name}: no socket option has this in its name`,
    'see all of them with: sockctl options',
    'BAD_OPTION',
  );
}

function optionRecord(option: SocketOption, value: string | null) {
  const { name, level, number, type, sockets, phase, capability = null, summary } = option;
  return {
    ...recordHead('option'),
    name,
    level,
    number,
    value: describeType(type),
    sockets,
    phase,
    capability,
    default: value,
    summary,
  };
}

function tableText(rows: readonly SocketOption[], defaultOf: (option: SocketOption) => string | null): string {
  const cells = rows.map((option) => [
    option.name,
    shorten(defaultOf(option)),
    option.sockets.join(','),
    option.phase,
    option.summary,
  ]);
  const all = [['NAME', 'DEFAULT', 'SOCKETS', 'SET', 'WHAT IT DOES'], ...cells];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return `${all.map((row) => row.map((cell, i) => (i < 4 ? cell.padEnd(widths[i] ?? 0) : cell)).join('  ')).join('\n')}\n`;
}

function shorten(value: string | null): string {
  if (value === null) return '-';
  return value.length > 12 ? `${value.slice(0, 11)}…` : value;
}

function oneText(option: SocketOption, value: string | null): string {
  const lines = [
    `${option.name} (${option.level}, ${option.number})`,
    `  ${option.summary}`,
    `  takes       ${describeType(option.type)}`,
    `  default     ${value ?? 'cannot be read'}`,
    `  sockets     ${option.sockets.join(', ')}`,
    `  to be set   ${option.phase === 'any' ? 'at any time' : option.phase.replace('-', ' ')}`,
  ];
  if (option.capability !== undefined) lines.push(`  needs       ${option.capability}`);
  return `${lines.join('\n')}\n`;
}
