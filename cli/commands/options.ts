/** `options`: the table of socket options, with the values that a new socket has here. */
import { ExitCode, UsageError } from '../../src/errors.js';
import { SOCKET_KINDS, type SocketKind, type SocketOption } from '../../src/options/row.js';
import { findOption, SOCKET_OPTIONS } from '../../src/options/table.js';
import { longestAcceptQueue } from '../../src/socket/accept-queue.js';
import { type DefaultValue, readDefaults } from '../../src/socket/native/defaults.js';
import type { CommandContext } from '../context.js';
import { recordHead } from '../render/record.js';

interface OptionsFlags {
  readonly type?: SocketKind;
}

/** What a new socket of each kind has, as `--opt` would take it. */
type Defaults = ReadonlyMap<SocketKind, ReadonlyMap<SocketOption, DefaultValue>>;

export async function run(
  [name]: [string | undefined],
  flags: OptionsFlags,
  context: CommandContext,
): Promise<ExitCode> {
  const rows = chosen(name, flags.type);
  const kinds = flags.type === undefined ? SOCKET_KINDS : [flags.type];
  const defaults = new Map<SocketKind, Map<SocketOption, DefaultValue>>();
  if (context.backendChoice !== 'portable') for (const kind of kinds) defaults.set(kind, await readDefaults(kind));
  context.dropPrivileges();
  if (context.json) {
    for (const option of rows) void context.output.record(optionRecord(option, defaults));
    if (name === undefined) void context.output.record(backlogRecord());
    context.summary({ ...recordHead('option.summary'), options: rows.length, endReason: 'eof' });
  } else {
    const text = name === undefined ? tableText(rows, defaults) : rows.map((row) => oneText(row, defaults)).join('\n');
    await context.output.write(text);
  }
  return ExitCode.ok;
}

/** listen(2)'s argument, which is no socket option and is looked for among them. */
function backlogRecord() {
  const summary = 'Length of the accept queue; the kernel caps it at net.core.somaxconn.';
  return {
    ...recordHead('argument'),
    name: 'backlog',
    call: 'listen(2)',
    maximum: longestAcceptQueue(),
    summary,
  };
}

function backlogText(): string {
  const longest = longestAcceptQueue();
  const cap = longest === null ? '' : `, at most ${longest} here (net.core.somaxconn)`;
  return `The accept queue of a listening socket is no option: tcp serve --backlog N, listen(2)${cap}.`;
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

/** The default of an option: one text where all kinds of socket agree, otherwise one for each value. */
function defaultText(option: SocketOption, defaults: Defaults): string | null {
  const kindsByValue = new Map<string, string[]>();
  for (const [kind, values] of defaults) {
    for (const [family, value] of Object.entries(values.get(option) ?? {})) {
      const text = option.type.format(value);
      kindsByValue.set(text, [...(kindsByValue.get(text) ?? []), kind === 'packet' ? kind : `${kind} ${family}`]);
    }
  }
  const texts = [...kindsByValue.keys()];
  if (texts.length < 2) return texts[0] ?? null;
  return [...kindsByValue].map(([text, kinds]) => `${text} (${kinds.join(', ')})`).join('; ');
}

function optionRecord(option: SocketOption, defaults: Defaults) {
  const { name, level, number, type, sockets, phase, readable, writable, capability = null, requires = [] } = option;
  const { since = null, manual, summary } = option;
  const values: Record<string, unknown> = {};
  for (const kind of sockets) {
    const found = defaults.get(kind)?.get(option);
    if (found === undefined) continue;
    values[kind] = Object.fromEntries(Object.entries(found).map(([family, value]) => [family, type.format(value)]));
  }
  return {
    ...recordHead('option'),
    name,
    level,
    number,
    value: { kind: type.kind, description: type.describe },
    sockets,
    phase,
    readable,
    writable,
    capability,
    requires,
    since,
    defaults: values,
    manual,
    summary,
  };
}

const LETTERS: Readonly<Record<SocketKind, string>> = { stream: 's', datagram: 'd', raw: 'r', ping: 'i', packet: 'p' };

/** Few columns, so that a line fits a terminal of 80: everything else is told by `options NAME`. */
function tableText(rows: readonly SocketOption[], defaults: Defaults): string {
  const cells = rows.map((option) => [
    option.name,
    shorten(firstDefault(option, defaults)),
    option.sockets.length === SOCKET_KINDS.length ? 'all' : option.sockets.map((kind) => LETTERS[kind]).join(''),
    `${option.readable ? 'r' : '-'}${option.writable ? 'w' : '-'}`,
    option.summary,
  ]);
  const all = [['NAME', 'DEFAULT', 'FOR', 'RW', 'WHAT IT DOES'], ...cells];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const lines = all.map((row) => row.map((cell, i) => (i < 4 ? cell.padEnd(widths[i] ?? 0) : cell)).join('  '));
  const columns = process.stdout.isTTY === true ? process.stdout.columns : Number.POSITIVE_INFINITY;
  const fitting = lines.map((line) => (line.length > columns ? `${line.slice(0, columns - 1)}…` : line));
  return `${fitting.join('\n')}\n\nFOR: ${SOCKET_KINDS.map((kind) => `${LETTERS[kind]} ${kind}`).join(', ')}. More of one: sockctl options NAME\n${backlogText()}\n`;
}

/** That of the first kind of socket that has one. */
function firstDefault(option: SocketOption, defaults: Defaults): string | null {
  for (const values of defaults.values()) {
    const found = values.get(option);
    const value = found?.ipv4 ?? found?.ipv6;
    if (value !== undefined) return option.type.format(value);
  }
  return null;
}

function shorten(value: string | null): string {
  if (value === null || value === '') return '-';
  return value.length > 12 ? `${value.slice(0, 11)}…` : value;
}

const WHEN: Readonly<Record<SocketOption['phase'], string>> = {
  'before-bind': 'before bind(2)',
  'before-connect': 'before connect(2) or listen(2)',
  any: 'at any time',
  connected: 'on a connection',
};

function oneText(option: SocketOption, defaults: Defaults): string {
  const { name, level, number, readable, writable, capability, requires, since, protocol } = option;
  const lines = [
    `${name} (${level}, ${number})`,
    `  ${option.summary}`,
    `  ${writable ? 'takes' : 'gives'}       ${option.type.describe}`,
    `  default     ${(readable ? defaultText(option, defaults) : undefined) ?? 'cannot be read'}`,
    `  sockets     ${option.sockets.join(', ')}${protocol === undefined ? '' : ` of IP protocol ${protocol}`}`,
    ...(writable ? [`  to be set   ${WHEN[option.phase]}`] : []),
    ...(readable && writable ? [] : [`  it can be   ${readable ? 'read' : 'set'} only`]),
    ...(capability === undefined ? [] : [`  needs       ${capability}`]),
    ...(requires === undefined ? [] : [`  after       ${requires.map((setting) => `--opt ${setting}`).join(' ')}`]),
    ...(since === undefined ? [] : [`  since       Linux ${since}`]),
    `  manual      ${option.manual}`,
  ];
  return `${lines.join('\n')}\n`;
}
