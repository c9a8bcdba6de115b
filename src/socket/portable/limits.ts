/** What the portable backend can't do, said plainly: an option that can't be honoured is an error, never silence. */
import { UsageError } from '../../errors.js';
import type { SocketKind } from '../../options/row.js';
import { checkSettings, type OptionSetting } from '../../options/settings.js';

/** How each option that Node can set is set, by its value as a number and as text; the others are refused. */
export type Setters<Target> = Readonly<Record<string, (target: Target, value: number, text: string) => void>>;

/** @throws UsageError BACKEND_LIMIT for an option that `setters` lacks, BAD_OPTION for one of another kind of socket */
export function checkPortable(settings: readonly OptionSetting[], kind: SocketKind, setters: Setters<never>): void {
  checkSettings(settings, kind);
  for (const { option } of settings) {
    if (!Object.hasOwn(setters, option.name)) {
      throw backendLimit(`--opt ${option.name}: node can't set this option on a ${kind} socket`);
    }
  }
}

/** Applies what `checkPortable` has let through. */
export function applyPortable<Target>(
  settings: readonly OptionSetting[],
  setters: Setters<Target>,
  target: Target,
): void {
  for (const { option, value } of settings) setters[option.name]?.(target, Number(value), String(value));
}

/** The value of a flag among the settings, or undefined where it is not set. */
export function flagAmong(settings: readonly OptionSetting[], name: string): boolean | undefined {
  const found = settings.find(({ option }) => option.name === name);
  return found === undefined ? undefined : found.value !== 0;
}

export function backendLimit(what: string): UsageError {
  return new UsageError(`portable backend: ${what}`, undefined, 'BACKEND_LIMIT');
}
