/** Settings: options with the values that they are to get, as `--opt` and the commands ask for them. */
import { clip, UsageError } from '../errors.js';
import { findOption, type OptionPhase, option, SOCKET_OPTIONS, type SocketKind, type SocketOption } from './table.js';
import { type OptionValue, parseOptionValue } from './value.js';

export interface OptionSetting {
  readonly option: SocketOption;
  readonly value: OptionValue;
}

/** A setting of an option that is known to be in the table. */
export function setting(name: string, value: OptionValue | boolean): OptionSetting {
  return { option: option(name), value: typeof value === 'boolean' ? Number(value) : value };
}

/**
 * Reads the text of one `--opt NAME[=VALUE]`.
 *
 * @throws UsageError BAD_OPTION for a name that the table lacks, with the nearest names, or for a bad value
 */
export function parseSetting(text: string): OptionSetting {
  const equals = text.indexOf('=');
  const name = equals < 0 ? text : text.slice(0, equals);
  const found = findOption(name);
  if (found === undefined) {
    throw new UsageError(
      `--opt ${clip(text)}: no socket option is called '${clip(name)}'`,
      suggest(name),
      'BAD_OPTION',
    );
  }
  return { option: found, value: parseOptionValue(found, equals < 0 ? undefined : text.slice(equals + 1)) };
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
    if (!wanted.sockets.includes(kind)) {
      throw new UsageError(
        `--opt ${wanted.name}: not an option of a ${kind} socket`,
        `it is for ${wanted.sockets.join(', ')} sockets`,
        'BAD_OPTION',
      );
    }
  }
}

/** The settings that belong before bind(2), or those that belong after it. */
export function inPhase(settings: readonly OptionSetting[], before: 'bind' | 'connect'): OptionSetting[] {
  const early: OptionPhase = 'before-bind';
  return settings.filter((s) => (s.option.phase === early) === (before === 'bind'));
}
