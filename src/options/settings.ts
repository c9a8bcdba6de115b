/** Settings: options with the values that they are to get, as `--opt` and the commands ask for them. */
import { clip, UsageError } from '../errors.js';
import { SOCKET_KINDS, type SocketKind, type SocketOption } from './row.js';
import { findLevel, findOption, option, SOCKET_OPTIONS } from './table.js';
import { rawValue } from './types/raw.js';
import type { OptionValue } from './types/type.js';

export interface OptionSetting {
  readonly option: SocketOption;
  readonly value: OptionValue;
}

/** A setting of an option that is known to be in the table. */
export function setting(name: string, value: OptionValue | boolean): OptionSetting {
  return { option: option(name), value: typeof value === 'boolean' ? Number(value) : value };
}

/** `ret #0`: a program that lets nothing in. */
export const LET_NOTHING_IN = setting('SO_ATTACH_FILTER', '1,6 0 0 0');

/**
 * Reads the text of one `--opt`: `NAME=VALUE`, `NAME` for a flag that is to be on, or `LEVEL:NUMBER=VALUE` for an
 * option that the table does not know.
 *
 * @throws UsageError BAD_OPTION for a name that the table lacks, with the nearest names, for an option that can only be
 *   read, and for a bad value
 */
export function parseSetting(text: string): OptionSetting {
  const equals = text.indexOf('=');
  const name = equals < 0 ? text : text.slice(0, equals);
  const value = equals < 0 ? undefined : text.slice(equals + 1);
  const found = findOption(name) ?? (name.includes(':') ? unlisted(name) : undefined);
  if (found === undefined) {
    throw badOption(`--opt ${clip(text)}: no socket option is called '${clip(name)}'`, suggest(name));
  }
  if (!found.writable) {
    const advice = `see it with --print-options, or: sockctl options ${found.name}`;
    throw badOption(`--opt ${found.name}: this option can only be read`, advice);
  }
  const read = value === undefined ? (found.type.kind === 'flag' ? 1 : undefined) : found.type.parse(value);
  if (read === undefined) {
    const got = value === undefined ? 'no value' : `'${clip(value)}'`;
    throw badOption(`--opt ${found.name}: ${got} given, it takes ${found.type.describe}`, found.summary);
  }
  return { option: found, value: read };
}

/** An option that no table knows, at `LEVEL:NUMBER`. */
function unlisted(name: string): SocketOption {
  const [levelText = '', numberText = '', more] = name.split(':');
  const level = findLevel(levelText);
  const number = /^(\d{1,9}|0x[0-9a-f]{1,8})$/i.test(numberText) ? Number(numberText) : undefined;
  if (level === undefined || number === undefined || more !== undefined) {
    const wrong =
      level === undefined ? `'${clip(levelText)}' is no level` : `'${clip(numberText)}' is no option number`;
    throw badOption(`--opt ${clip(name)}: ${wrong}`, 'write LEVEL:NUMBER=VALUE, such as SOL_SOCKET:70=8 or 6:44=2000');
  }
  return {
    name: `${level}:${number}`,
    level,
    number,
    type: rawValue,
    sockets: SOCKET_KINDS,
    // What it is about nobody knows: before bind(2), as most options take effect from then on.
    phase: 'before-bind',
    readable: true,
    writable: true,
    summary: 'It is in no table: check its level and its number.',
    manual: 'setsockopt(2)',
  };
}

function badOption(what: string, advice: string | undefined): UsageError {
  return new UsageError(what, advice, 'BAD_OPTION');
}

function suggest(name: string): string | undefined {
  const wanted = name.toUpperCase();
  const near = SOCKET_OPTIONS.filter(
    ({ name: known }) => known === wanted || (wanted.length > 2 && known.includes(wanted.replace(/^[A-Z0-9]+_/, ''))),
  );
  return near.length === 0
    ? undefined
    : `did you mean ${near
        .slice(0, 4)
        .map((o) => o.name)
        .join(', ')}?`;
}

/**
 * @throws UsageError BAD_OPTION when a setting is for another kind of socket
 */
export function checkSettings(settings: readonly OptionSetting[], kind: SocketKind): void {
  for (const { option: wanted } of settings) {
    if (wanted.sockets.includes(kind)) continue;
    const what = `--opt ${wanted.name}: not an option of a ${kind} socket`;
    throw badOption(what, `it is for ${wanted.sockets.join(', ')} sockets`);
  }
}

/** A moment in the life of a socket at which settings are made. */
export type SettingMoment = 'bind' | 'connect' | 'connected';

/** The settings that belong before bind(2), those after it but before a connection, and those of a connection. */
export function inPhase(settings: readonly OptionSetting[], moment: SettingMoment): OptionSetting[] {
  return settings.filter(({ option: { phase } }) =>
    moment === 'bind'
      ? phase === 'before-bind'
      : moment === 'connected'
        ? phase === 'connected'
        : phase === 'before-connect' || phase === 'any',
  );
}

/**
 * @throws UsageError BAD_OPTION for a setting that takes a connection, on a socket that will have none
 */
export function refuseConnected(settings: readonly OptionSetting[], what: string): void {
  for (const { option: wanted } of inPhase(settings, 'connected')) {
    throw badOption(`--opt ${wanted.name}: it takes a connection, which ${what} is not`, wanted.summary);
  }
}
