/** Which way packets go to a host, hop by hop (RFC 792, RFC 4443 section 3.3: time exceeded). */

import { randomBytes, randomInt } from 'node:crypto';
import { withoutZone } from '../../sockaddr/zone.js';
import { runMachine } from '../probes/run.js';
import { RecordQueue } from '../record-queue.js';
import { IcmpFormat } from './icmp-format.js';
import { TraceMachine } from './machine.js';
import type { TraceOptions, TraceTarget } from './options.js';
import { planOf, type TracePlan } from './plan.js';
import { type FormatOptions, type ProbeFormat, SERIAL_MAX } from './probe-format.js';
import type { TraceRecord } from './records.js';
import { openWorld } from './sockets/open.js';
import type { TraceWorld } from './sockets/world.js';
import { TcpFormat } from './tcp-format.js';
import { UdpFormat } from './udp-format.js';

/**
 * Traces the path to `target` and yields each hop when its probes have their outcomes, in the order of the hops; at the
 * end a summary.
 *
 * @throws UsageError for options that contradict each other or can't be honoured by the sockets that may be opened
 * @throws SocketError EPERM when none may be opened, ENETUNREACH or EHOSTUNREACH where there is no route
 */
export async function* trace(target: TraceTarget, options: TraceOptions): AsyncGenerator<TraceRecord> {
  const { backend, logger, settings = [], onOpen } = options;
  const wanted = planOf(target.address.family, options);
  const opened = await openWorld({ backend, logger, target: target.address, settings }, wanted, options);
  const { plan, world } = opened;
  try {
    onOpen?.({
      socket: world.port.socket,
      source: world.source,
      maxHops: plan.maxHops,
      packetSize: plan.packetSize,
      protocol: plan.protocol,
      multipath: plan.multipath,
      flows: plan.flows,
      port: plan.protocol === 'icmp' ? null : plan.port,
    });
    yield* traceOn(target, plan, world, options);
  } finally {
    await world.port.close();
  }
}

/** Like {@link trace}, in a world that is there already, and stays open. */
export async function* traceOn(
  target: TraceTarget,
  plan: TracePlan,
  world: TraceWorld,
  { table, control, signal }: Pick<TraceOptions, 'table' | 'control' | 'signal'> = {},
): AsyncGenerator<TraceRecord> {
  const { port, source, sourcePorts, identifier, backend } = world;
  // Whoever does not see them can't guess them.
  const firstSerial = randomInt(1, SERIAL_MAX + 1);
  const format = formatOf(plan, {
    target: withoutZone(target.address),
    source: withoutZone(source),
    multipath: plan.multipath,
    port: plan.port,
    portIsFree: plan.portIsFree,
    sourcePorts,
    identifier,
    token: randomToken(),
    sequenceBase: randomInt(2 ** 32),
    firstSerial,
    payloadLength: plan.payloadLength,
  });
  const machine = new TraceMachine({
    ...plan,
    target,
    source: withoutZone(source),
    port: plan.protocol === 'icmp' ? null : plan.port,
    format,
    firstSerial,
    socket: port.socket,
    backend,
    ownHeader: port.ownHeader,
    table,
    control,
  });
  const queue = new RecordQueue<TraceRecord>();
  const ended = new AbortController();
  const end = () => ended.abort();
  signal?.addEventListener('abort', end, { once: true });
  if (signal?.aborted === true) end();
  const run = runMachine(machine, port, queue, { signal: ended.signal });
  try {
    yield* queue;
  } finally {
    // Who takes no more records ends the trace.
    signal?.removeEventListener('abort', end);
    end();
    await run;
  }
}

function formatOf({ protocol }: TracePlan, options: FormatOptions): ProbeFormat {
  if (protocol === 'icmp') return new IcmpFormat(options);
  return protocol === 'udp' ? new UdpFormat(options) : new TcpFormat(options);
}

/** Four bytes that are not all zero: zeros are what quotes are filled up with. */
function randomToken(): Uint8Array {
  const token = randomBytes(4);
  if (token.every((byte) => byte === 0)) token[0] = 1;
  return token;
}
