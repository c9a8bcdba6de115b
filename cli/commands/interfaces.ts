/** `interfaces`: what there is, as the kernel tells it, or on other systems what Node knows. */
import { ExitCode, toSockctlError, UsageError } from '../../src/errors.js';
import { noSuchInterface } from '../../src/sockaddr/interfaces.js';
import { type InterfaceFacts, monitoredInterfaces } from '../../src/socket/interfaces.js';
import { loadLibc } from '../../src/socket/native/libc.js';
import { type LinkMonitor, openLinkMonitor } from '../../src/socket/native/link-monitor.js';
import { portableInterfaces } from '../../src/socket/portable/interfaces.js';
import { backendLimit } from '../../src/socket/portable/limits.js';
import type { CommandContext } from '../context.js';
import { interfaceDetail, interfaceRecord, interfaceTable } from '../render/interfaces.js';
import { recordHead } from '../render/record.js';
import { watchInterfaces } from './interfaces-watch.js';

interface InterfacesFlags {
  readonly up?: boolean;
  readonly watch?: boolean;
  readonly interval?: number;
  readonly verbose?: number;
}

export async function run(
  [name]: [string | undefined],
  flags: InterfacesFlags,
  context: CommandContext,
): Promise<ExitCode> {
  const { up, watch, interval } = flags;
  if (interval !== undefined && watch !== true) {
    throw new UsageError('--interval: rates are told while the command stays', 'give --watch as well');
  }
  const everything = name !== undefined || (flags.verbose ?? 0) > 0;
  const show = (chosen: readonly InterfaceFacts[]) =>
    showInterfaces(up === true ? chosen.filter(({ state }) => state === 'up') : chosen, everything, context);
  if (watch === true) {
    if (context.backendChoice === 'portable') throw backendLimit('--watch: Node does not tell of changes');
    return watchInterfaces(context, {
      name,
      intervalMs: interval,
      begin: async (monitor) => {
        context.dropPrivileges();
        const chosen = choose(monitoredInterfaces(monitor), name);
        await show(chosen);
        return name === undefined ? undefined : chosen.map(({ index }) => index);
      },
    });
  }
  const shown = await show(choose(await allInterfaces(context), name));
  context.summary({ ...recordHead('interface.summary'), interfaces: shown, endReason: 'eof' });
  return ExitCode.ok;
}

async function allInterfaces(context: CommandContext): Promise<InterfaceFacts[]> {
  const { backendChoice, logger } = context;
  if (backendChoice === 'portable') return portable(context);
  let monitor: LinkMonitor;
  try {
    monitor = await openLinkMonitor(await loadLibc(), {
      logger,
      onChange: () => undefined,
      onAddress: () => undefined,
    });
  } catch (error) {
    if (backendChoice === 'native') throw error;
    logger.log('warn', { event: 'fallback', message: `portable backend: ${toSockctlError(error).message}` });
    return portable(context);
  }
  context.dropPrivileges();
  const found = monitoredInterfaces(monitor);
  monitor.close();
  return found;
}

function portable(context: CommandContext): InterfaceFacts[] {
  context.dropPrivileges();
  const message = 'portable backend: only interfaces that are up and have an address are known';
  context.logger.log('info', { event: 'notice', message });
  return portableInterfaces();
}

/**
 * The one that is asked for, by its name, or by its number where none has that for a name; all without a name.
 *
 * @throws SocketError ENODEV
 */
function choose(all: readonly InterfaceFacts[], name: string | undefined): readonly InterfaceFacts[] {
  if (name === undefined) return all;
  const found = all.find((one) => one.name === name) ?? all.find(({ index }) => String(index) === name);
  if (found === undefined) throw noSuchInterface(name);
  return [found];
}

/** @returns how many */
async function showInterfaces(
  shown: readonly InterfaceFacts[],
  everything: boolean,
  { json, output, color }: CommandContext,
): Promise<number> {
  if (json) for (const one of shown) await output.record(interfaceRecord(one));
  else if (everything) await output.write(shown.map((one) => interfaceDetail(one, color)).join('\n'));
  else if (shown.length > 0) await output.write(interfaceTable(shown, color));
  return shown.length;
}
