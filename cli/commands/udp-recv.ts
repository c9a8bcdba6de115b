/** `udp recv`: each datagram whole, to stdout. */

import { type ReceiveSummary, receiveDatagrams } from '../../src/datagram/receive.js';
import { ExitCode, SockctlError, SocketError, UsageError } from '../../src/errors.js';
import type { Endpoint } from '../../src/sockaddr/endpoint.js';
import { resolveEndpoint } from '../../src/sockaddr/resolve.js';
import { chosenFamily, type FamilyOptions } from '../args/common.js';
import type { CommandContext } from '../context.js';
import { interruptedExit } from '../exit-codes.js';
import { receiveSummary, writeDatagram } from '../render/datagram.js';

interface ReceiveFlags extends FamilyOptions {
  readonly echo?: boolean;
  readonly count?: number;
  readonly idleTimeout?: number;
  readonly probe?: boolean;
  readonly once?: boolean;
}

export async function run([address]: [string], flags: ReceiveFlags, context: CommandContext): Promise<ExitCode> {
  if (flags.once === true && flags.probe !== true)
    throw new UsageError('--once: it ends with a probe, so it needs --probe');
  const locals = await resolveEndpoint(address, {
    protocol: 'udp',
    passive: true,
    family: chosenFamily(flags),
    signal: context.signal,
  });
  const summary = await onFirst(locals, (local) => receive(local, flags, context));
  receiveSummary(context, summary);
  if (summary.error !== undefined) throw summary.error;
  return summary.endReason === 'interrupted' ? interruptedExit(summary.received > 0) : ExitCode.ok;
}

/** The first of the addresses that this system has; the wildcard comes as :: and then 0.0.0.0. */
async function onFirst(
  locals: readonly Endpoint[],
  use: (local: Endpoint) => Promise<ReceiveSummary>,
): Promise<ReceiveSummary> {
  let last: unknown;
  for (const local of locals) {
    try {
      return await use(local);
    } catch (error) {
      last = error;
      const other = error instanceof SocketError && ['EAFNOSUPPORT', 'EADDRNOTAVAIL'].includes(error.code);
      if (!other) throw error;
    }
  }
  throw last ?? new SockctlError('EADDRNOTAVAIL', { what: 'no address to receive on' });
}

async function receive(local: Endpoint, flags: ReceiveFlags, context: CommandContext): Promise<ReceiveSummary> {
  let bound: Endpoint = local;
  // A probe's payload is filling: only what it tells is of interest.
  const quiet = flags.probe === true && !context.json;
  return receiveDatagrams(local, {
    backend: await context.backend(),
    logger: context.logger,
    settings: context.settings,
    count: flags.count,
    idleTimeoutMs: flags.idleTimeout,
    echo: flags.echo === true,
    probe: flags.probe === true,
    once: flags.once === true,
    onListening: (endpoint) => {
      context.dropPrivileges();
      bound = endpoint;
    },
    ...(quiet ? {} : { onDatagram: (message, probe) => writeDatagram(context, message, bound, probe) }),
    signal: context.signal,
  });
}
