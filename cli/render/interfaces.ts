/** Interfaces, their changes and their rates: for people and as records. */
import { linkTypeOfHardware } from '../../capture/sources/device-link.js';
import { clip } from '../../src/errors.js';
import { roundMs } from '../../src/measure/clock.js';
import type { InterfaceEvent } from '../../src/socket/interface-events.js';
import type { InterfaceAddress, InterfaceFacts, InterfaceState } from '../../src/socket/interfaces.js';
import { linkTypeName } from '../../src/wire/link-types.js';
import { recordHead } from './record.js';
import { bitsPerSecond, byteCount, counted } from './report.js';

export interface InterfaceRate {
  readonly name: string;
  readonly index: number;
  readonly durationMs: number;
  readonly packetsPerSecondIn: number;
  readonly packetsPerSecondOut: number;
  readonly bitsPerSecondIn: number;
  readonly bitsPerSecondOut: number;
}

export function interfaceRecord({ name, index, state, ...facts }: InterfaceFacts): object {
  return { ...recordHead('interface'), name, index, state, linkType: linkType(facts.hardwareType), ...facts };
}

export function eventRecord({ event, ...rest }: InterfaceEvent): object {
  return { ...recordHead('interface.event'), event, ...rest };
}

export function rateRecord({ name, index, durationMs, ...rates }: InterfaceRate): object {
  const rounded = Object.fromEntries(
    Object.entries(rates).map(([field, value]) => [field, Math.round(value * 100) / 100]),
  );
  return { ...recordHead('interface.rate'), name, index, durationMs: roundMs(durationMs), ...rounded };
}

/** The LINKTYPE_ name that a capture on it has. */
function linkType(hardwareType: number | null): string | null {
  return hardwareType === null ? null : linkTypeName(linkTypeOfHardware(hardwareType));
}

const STATE_TEXT: Readonly<Record<InterfaceState, string>> = { up: 'up', 'no-carrier': 'no carrier', down: 'down' };
/** Green, yellow and grey. */
const STATE_COLORS: Readonly<Record<InterfaceState, number>> = { up: 32, 'no-carrier': 33, down: 90 };

function paint(state: InterfaceState, text: string, color: boolean): string {
  return color ? `\u001b[${STATE_COLORS[state]}m${text}\u001b[0m` : text;
}

/** As it may be given to other commands: with its zone. */
function addressText({ address, zone, prefixLength, peer }: InterfaceAddress): string {
  const other = peer === null ? '' : ` peer ${peer}`;
  return `${address}${zone === null ? '' : `%${shown(zone)}`}${other}/${prefixLength}`;
}

/** Names and aliases may hold anything but white space and '/': nothing that a terminal would take as a command. */
const shown = (text: string) => clip(text, ALIAS_MAX);
/** IFALIASZ of the kernel's linux/if.h. */
const ALIAS_MAX = 256;

const COLUMNS = ['NAME', '#', 'STATE', 'LINK', 'MTU', 'HARDWARE', 'ADDRESSES'] as const;
const STATE_COLUMN = 2;

/** A line an interface, and one for each further address. */
export function interfaceTable(all: readonly InterfaceFacts[], color: boolean): string {
  const rows = all.map((one) => {
    const { name, index, state, mtu, hardwareAddress, addresses } = one;
    const [first = '', ...more] = addresses.map(addressText);
    const cells = [shown(name), index, STATE_TEXT[state], linkType(one.hardwareType), mtu, hardwareAddress, first];
    return { state, cells: cells.map((cell) => String(cell ?? '-')), more };
  });
  const widths = COLUMNS.map((title, i) => Math.max(title.length, ...rows.map(({ cells }) => cells[i]?.length ?? 0)));
  const padded = (cells: readonly string[]) => cells.map((cell, i) => cell.padEnd(widths[i] ?? 0));
  const indent = ' '.repeat(padded(COLUMNS.slice(0, -1).map(() => '')).join('  ').length + 2);
  const lines = [padded(COLUMNS).join('  ').trimEnd()];
  for (const { state, cells, more } of rows) {
    const row = padded(cells);
    row[STATE_COLUMN] = paint(state, row[STATE_COLUMN] ?? '', color);
    lines.push(row.join('  ').trimEnd(), ...more.map((address) => `${indent}${address}`));
  }
  return `${lines.join('\n')}\n`;
}

/** Everything about one, a line a subject. */
export function interfaceDetail(one: InterfaceFacts, color: boolean): string {
  const { name, index, state, operState, flags, mtu, hardwareAddress, kind, alias, master, counters } = one;
  const known = (what: unknown, text: string) => (what === null ? [] : [text]);
  const type = linkType(one.hardwareType);
  const about = [
    ...known(type, `${type}`),
    ...known(mtu, `MTU ${mtu}`),
    ...known(one.speedMbps, bitsPerSecond((one.speedMbps ?? 0) * 1e6)),
  ];
  const rows: [string, string][] = [
    ['state', paint(state, STATE_TEXT[state], color) + (operState === null ? '' : `, operational state ${operState}`)],
    ...row('flags', known(flags, flags?.join(' ') ?? '')),
    ...row('link', about.length === 0 ? [] : [about.join(', ')]),
    ...row('hardware', known(hardwareAddress, `${hardwareAddress}`)),
    ...row('kind', known(kind, `${kind}`)),
    ...row('joined to', known(one.link, linkText(one))),
    ...row('port of', known(master, shown(`${master}`))),
    ...row('alias', known(alias, shown(`${alias}`))),
    ...row('addresses', one.addresses.map(addressDetail)),
    ...row('received', counters === null ? [] : [traffic(counters, 'received')]),
    ...row('sent', counters === null ? [] : [traffic(counters, 'sent')]),
  ];
  const lines = rows.map(([subject, text]) => `  ${subject.padEnd(10)}  ${text}`);
  return `${[`${shown(name)}${index === null ? '' : ` (${index})`}`, ...lines].join('\n')}\n`;
}

/** The subject stands before the first of its lines. */
function row(subject: string, lines: readonly string[]): [string, string][] {
  return lines.map((line, i) => [i === 0 ? subject : '', line]);
}

function linkText({ link }: InterfaceFacts): string {
  if (link === null) return '';
  return link.name === null ? `number ${link.index} of another namespace` : shown(link.name);
}

function addressDetail(address: InterfaceAddress): string {
  const { scope, flags } = address;
  const more = [...(scope === null ? [] : [`scope ${scope}`]), ...(flags ?? [])];
  return `${addressText(address)}${more.length === 0 ? '' : `  ${more.join(', ')}`}`;
}

function traffic(counters: NonNullable<InterfaceFacts['counters']>, way: 'received' | 'sent'): string {
  const received = way === 'received';
  const [packets, bytes] = received
    ? [counters.receivedPackets, counters.receivedBytes]
    : [counters.sentPackets, counters.sentBytes];
  const [errors, dropped] = received
    ? [counters.receiveErrors, counters.receiveDropped]
    : [counters.sendErrors, counters.sendDropped];
  return `${counted(packets, 'packet')}, ${byteCount(bytes)}, ${counted(errors, 'error')}, ${dropped} dropped`;
}

/** `12:34:56.789` of this machine's time zone. */
function timeOfDay(): string {
  const now = new Date();
  return `${now.toTimeString().slice(0, 8)}.${String(now.getMilliseconds()).padStart(3, '0')}`;
}

export function eventText(event: InterfaceEvent): string {
  return `${timeOfDay()}  ${shown(event.name)}: ${happened(event)}`;
}

function happened(event: InterfaceEvent): string {
  switch (event.event) {
    case 'created':
      return `created, ${STATE_TEXT[event.state]}${event.kind === null ? '' : ` (${event.kind})`}`;
    case 'gone':
      return 'gone';
    case 'up':
    case 'down':
      return STATE_TEXT[event.state];
    case 'renamed':
      return `renamed, was ${shown(event.before)}`;
    case 'mtu':
      return `MTU ${event.mtu}, was ${event.before}`;
    case 'hardware-address':
      return `hardware address ${event.hardwareAddress ?? 'none'}, was ${event.before ?? 'none'}`;
    case 'master':
      return event.master === null ? `left ${shown(event.before ?? '')}` : `port of ${shown(event.master)}`;
    case 'flags':
      return [...event.added.map((flag) => `+${flag}`), ...event.removed.map((flag) => `-${flag}`)].join(' ');
    case 'address-added':
      return `address ${addressDetail(event)}`;
    case 'address-removed':
      return `address ${addressText(event)} removed`;
    case 'address-changed':
      return `address ${addressDetail(event)}`;
  }
}

export function rateText(rate: InterfaceRate): string {
  const way = (packets: number, bits: number) => `${Math.round(packets)} packets/s ${bitsPerSecond(bits)}`;
  const received = way(rate.packetsPerSecondIn, rate.bitsPerSecondIn);
  const sent = way(rate.packetsPerSecondOut, rate.bitsPerSecondOut);
  return `${timeOfDay()}  ${shown(rate.name)}: in ${received}, out ${sent}`;
}
