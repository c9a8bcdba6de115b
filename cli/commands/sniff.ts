/** `raw sniff`: what raw sockets receive. */
import { createPacketFilter, runPipeline } from '../../capture/index.js';
import type { ExitCode } from '../../src/errors.js';
import type { SniffProtocol } from '../../src/raw/sniff.js';
import { interfaceIndex } from '../../src/sockaddr/interfaces.js';
import { type FilterFlags, filterHosts, filterSettings } from '../args/filter.js';
import type { CommandContext } from '../context.js';
import { finishCapture } from '../render/capture.js';
import { type PacketFlags, packetSinks } from '../render/packet-sinks.js';
import { createSniffSource, SNIFFED } from './sniff-source.js';

interface SniffFlags extends PacketFlags, FilterFlags {
  readonly protocol?: readonly SniffProtocol[];
  readonly count?: number;
  readonly interface?: string;
}

/** What a raw socket is mostly wanted for: the control messages of both families. */
const DEFAULT_PROTOCOLS: readonly SniffProtocol[] = [
  { family: 'ipv4', protocol: 1 },
  { family: 'ipv6', protocol: 58 },
];

export async function run([words]: [string[]], flags: SniffFlags, context: CommandContext): Promise<ExitCode> {
  // SO_BINDTODEVICE takes any name where no such interface exists yet; a mistyped one must not wait for ever.
  if (flags.interface !== undefined) interfaceIndex(flags.interface);
  const filter = words.join(' ');
  const hosts = await filterHosts(filter, flags, context);
  const backend = await context.backend();
  const inKernel = backend.name === 'native';
  const protocols = (flags.protocol ?? DEFAULT_PROTOCOLS).map((one) => {
    return inKernel ? { ...one, settings: filterSettings(filter, { kind: 'raw', family: one.family }, hosts) } : one;
  });
  const source = createSniffSource(protocols, {
    backend,
    logger: context.logger,
    settings: context.settings,
    interface: flags.interface,
    onListening: () => {
      context.dropPrivileges();
      context.logger.log('info', { event: 'listening', message: `sniffing on ${flags.interface ?? 'all interfaces'}` });
    },
  });
  const summary = await runPipeline({
    source,
    sinks: await packetSinks(flags, context, { filter }),
    filter: inKernel || filter === '' ? undefined : createPacketFilter(filter, [SNIFFED], { hosts }),
    count: flags.count,
    signal: context.signal,
  });
  return finishCapture(context, summary);
}
