/** The command tree: every command, its arguments and its flags. A command's module is loaded when it runs. */
import { Command, type CommandOptions, InvalidArgumentError, Option } from 'commander';
import { type ExitCode, UsageError } from '../src/errors.js';
import { LOSS_WINDOW_MAX } from '../src/measure/loss.js';
import { SOCKET_KINDS } from '../src/options/row.js';
import { parseProxyRoute } from '../src/stream/proxy-route.js';
import { packageVersion } from '../src/version.js';
import { LinkType } from '../src/wire/link-types.js';
import { addCommonOptions, addFamilyOptions, type CommonOptions } from './args/common.js';
import { collectMemberships } from './args/memberships.js';
import { addFileOptions, addPacketOptions } from './args/packet-options.js';
import { addPingOptions } from './args/ping-options.js';
import { speed } from './args/send-pace.js';
import { addTraceOptions } from './args/trace-options.js';
import {
  collectPrefixes,
  collectTexts,
  count,
  duration,
  hexBytes,
  integer,
  linkType,
  positiveDuration,
  protocolNames,
  rate,
  size,
} from './args/values.js';
import type { CommandContext } from './context.js';

export type CommandRunner = (
  options: CommonOptions,
  command: (context: CommandContext) => Promise<ExitCode>,
) => Promise<void>;

/** What a command's module exports: it gets its arguments and its options as the tree declares them. */
type Loader = () => Promise<{ run: (args: never, options: never, context: CommandContext) => Promise<ExitCode> }>;

/** A command that does something, and what adds its arguments and flags to it. */
interface Leaf {
  /** The words that name it. */
  readonly path: readonly string[];
  readonly command: Command;
  readonly declare: (command: Command) => Command;
}

/** The largest payload of UDP over IPv4. */
const UDP_MAX = 65_507;

/**
 * @param argv what the command line asks for: where its first words are a command, the flags of the others, which nobody
 *   can see, are left out
 */
export function buildProgram(run: CommandRunner, argv: readonly string[] = []): Command {
  const program = new Command('sockctl')
    .description('One grammar for every kind of socket: stream, datagram, raw, and captures of all of them.')
    .version(packageVersion(), '-V, --version')
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ outputError: oneLine });

  const leaves: Leaf[] = [];
  /** A command: `declare` adds its flags; the module is imported when it runs. */
  const leaf = (
    parent: Command,
    name: string,
    summary: string,
    load: Loader,
    declare: (command: Command) => Command,
    options: CommandOptions & { readonly sockets?: false } = {},
  ) => {
    const command = parent.command(name, options).description(summary).exitOverride();
    leaves.push({ path: parent === program ? [name] : [parent.name(), name], command, declare });
    command.action(async (...all: unknown[]) => {
      // commander passes the arguments, then the options, then the command itself.
      const flags = command.optsWithGlobals();
      const args = all.slice(0, -2);
      if (options.sockets === false) refuseSocketFlags(flags);
      const { run: body } = await load();
      await run(flags, (context) => body(args as never, flags as never, context));
    });
  };

  const tcp = group(program, 'tcp', 'streams: connections that lose nothing and keep the order');
  leaf(
    tcp,
    'serve',
    'serve connections; by default clients go to stdout and stdin goes to every client',
    () => import('./commands/tcp-serve.js'),
    (c) =>
      addFamilyOptions(c)
        .argument('[ADDR]', 'PORT, HOST:PORT, [V6]:PORT or unix:/path', ':0')
        .option('--echo', 'send back what comes in')
        .option('--discard', 'read and drop what comes in')
        .option('--chargen', 'send characters for ever (RFC 864)')
        .option('--send <FILE>', 'send a file to every client')
        .option('--save <DIR>', 'write what each client sends into a file of its own')
        .option('--proxy <ADDR>', 'join every client with a connection to there')
        .option('--exec <COMMAND>', 'run a command for every client, as its input and output')
        .option('--max-connections <N>', 'open at once; the others wait in the accept queue', count)
        .option('--refuse', 'with --max-connections: close the others at once')
        .option('--idle-timeout <T>', 'close a connection through which nothing goes for this time', positiveDuration)
        .option('--allow <CIDR>', 'serve peers of this prefix only, repeatable', collectPrefixes)
        .option('--deny <CIDR>', 'do not serve peers of this prefix, repeatable', collectPrefixes)
        .option('--drop-slow', 'disconnect a client that takes nothing and holds the others back')
        .option('--tls', 'speak TLS, with a certificate made for this run where none is given')
        .option('--cert <FILE>', 'own certificate, PEM')
        .option('--key <FILE>', 'its key, where the certificate is without')
        .option('--client-ca <FILE>', 'ask clients for a certificate of these roots, PEM')
        .option('--alpn <NAMES>', 'application protocols to agree on, the preferred one first', protocolNames)
        .option('--once', 'take one connection and end with it')
        .option('--backlog <N>', 'length of the accept queue, listen(2)', integer(0, 65_535), 511)
        .option('--grace <T>', 'time for open connections to end after a signal', duration, 5000),
  );
  leaf(
    tcp,
    'connect',
    'connect; stdin to the peer, the peer to stdout',
    () => import('./commands/tcp-connect.js'),
    (c) =>
      addFamilyOptions(c)
        .argument('<ADDR>', 'HOST:PORT, [V6]:PORT or unix:/path')
        .option('--source <ADDR>', 'own address: HOST, :PORT or HOST:PORT')
        .option('--timeout <T>', 'give up connecting after this time', positiveDuration)
        .option('--retry <N>', 'try again so often, with growing pauses', count)
        .option('--check', 'connect, say so, and end')
        .option('--idle-timeout <T>', 'give up when nothing goes through for this time', positiveDuration)
        .option('--info', "the kernel's view of the connection (TCP_INFO) at the end, and with each interval")
        .option('--interval <T>', 'report what has moved so often', positiveDuration)
        .option('--hex', 'dump both directions in hex on stderr')
        .option(
          '--via <URL>',
          'through a proxy: socks5://, http:// or https://[USER:PASSWORD@]HOST[:PORT]',
          parseProxyRoute,
        )
        .option('--tls', 'speak TLS')
        .option('--servername <NAME>', 'whom the certificate must be for (default: the host of ADDR)')
        .option('--ca <FILE>', 'roots to believe instead of the usual ones, PEM')
        .option('--insecure', 'go on with a certificate that proves nothing')
        .option('--alpn <NAMES>', 'application protocols to offer, such as h2,http/1.1', protocolNames)
        .option('--cert <FILE>', 'own certificate for servers that ask, PEM')
        .option('--key <FILE>', 'its key, where the certificate is without'),
  );

  leaf(
    tcp,
    'ping',
    'handshakes with ports: open, refused or silent, and how long each takes',
    () => import('./commands/tcp-ping.js'),
    (c) =>
      addFamilyOptions(c)
        .argument('<ADDR...>', 'HOST:PORT or [V6]:PORT')
        .option('-c, --count <N>', 'handshakes with each (default: until interrupted)', count)
        .option('-i, --interval <T>', 'time from one to the next', positiveDuration, 1000)
        .option('-W, --timeout <T>', 'time to wait for each answer', positiveDuration, 2000)
        .option('--source <ADDR>', 'own address: HOST, :PORT or HOST:PORT'),
  );

  leaf(
    tcp,
    'bench',
    'throughput to a --discard server, or with --reverse from a --chargen server',
    () => import('./commands/tcp-bench.js'),
    (c) =>
      addFamilyOptions(c)
        .argument('<ADDR>', 'HOST:PORT, [V6]:PORT or unix:/path')
        .option('--time <T>', 'how long to measure (default: 10s)', positiveDuration)
        .option('--bytes <N>', 'how much to move, instead of a time', size(Number.MAX_SAFE_INTEGER))
        .option('--parallel <N>', 'connections at once', integer(1, 1024), 1)
        .option('--reverse', 'receive instead of sending')
        .option('--both', 'send and receive at once')
        .option('--warmup <T>', 'time at the start that does not count', duration, 0)
        .option('--interval <T>', 'time between reports', positiveDuration, 1000)
        .option('--length <N>', 'bytes of each write', size(1 << 20), 1 << 20)
        .option('--rate <R>', 'bits a second to send, such as 100mbit', rate)
        .option('--zerocopy', 'send with MSG_ZEROCOPY: less work where an adapter reads the bytes, more on loopback')
        .option('--source <ADDR>', 'own address: HOST, :PORT or HOST:PORT'),
  );

  const udp = group(program, 'udp', 'datagrams: each one whole, late, twice or not at all');
  leaf(
    udp,
    'send',
    'send datagrams; without a payload option, one for each line of stdin',
    () => import('./commands/udp-send.js'),
    (c) =>
      addFamilyOptions(c)
        .argument('<ADDR>', 'HOST:PORT or [V6]:PORT')
        .option('--data <TEXT>', 'the payload as text')
        .option('--hex <HEX>', 'the payload in hex', hexBytes)
        .option('--file <PATH>', 'the payload from a file: one datagram, many with --chunk, all of it with --reliable')
        .option('--size <N>', 'a payload of N patterned bytes', size(UDP_MAX))
        .option('--chunk <N>', 'cut stdin or the file into datagrams of N bytes', size(UDP_MAX))
        .option('--count <N>', 'how many datagrams', count)
        .option('--time <T>', 'end after this time', positiveDuration)
        .option('--rate <R>', 'datagrams a second (5k), a minute (1/m), or bits a second (10mbit)', rate)
        .option('--burst <N>', 'with --rate: so many at once, and a pause after them', integer(1, 1_000_000))
        .option('--wait <T>', 'print replies for this time after the last one', duration)
        .option('--source <ADDR>', 'own address: HOST, :PORT or HOST:PORT')
        .option('--interface <NAME>', 'the interface to leave through')
        .option('--broadcast', 'allow a broadcast address')
        .option('--ttl <N>', 'time to live, hop limit', integer(1, 255))
        .option('--no-loop', 'multicasts do not come back to this machine')
        .addOption(
          new Option(
            '--pmtu <HOW>',
            'what does not fit the path: an error with its MTU (do), fragments (dont), fragments once the MTU is known (want), lost (probe)',
          ).choices(['do', 'want', 'dont', 'probe']),
        )
        .option('--probe', 'number and time each datagram, for udp recv --probe')
        .option('--two-way', 'with --probe: have each one sent back, and measure the round trips')
        .option('--interval <T>', 'report what was sent so often', positiveDuration)
        .option('--reliable', 'deliver --file or stdin complete and in order, to udp recv --reliable')
        .option('--name <NAME>', 'with --reliable: what the receiver is to call it')
        .addOption(
          timeOption('--timeout <T>', 'with --reliable: give up when nothing is heard for this time', 30_000, '30s'),
        ),
  );
  leaf(
    udp,
    'recv',
    'receive datagrams',
    () => import('./commands/udp-recv.js'),
    (c) =>
      addFamilyOptions(c)
        .argument('[ADDR]', 'PORT, HOST:PORT or [V6]:PORT', ':0')
        .option('--echo', 'send each one back')
        .option('--count <N>', 'stop after N datagrams; with --reliable, after N transfers', count)
        .option('--idle-timeout <T>', 'stop when nothing has come for this time', positiveDuration)
        .option('--join <GROUP[,SOURCE][@INTERFACE]>', 'hear a multicast group, repeatable', collectMemberships)
        .option('--filter <FILTER>', 'which datagrams, pcap-filter(7), run by the kernel')
        .option('--resolve', 'look up names of hosts in the filter')
        .option('--keep <N>', 'bytes kept of each datagram; the rest is cut off', integer(1, 65_536))
        .option('--probe', 'report loss, duplicates, reordering and jitter of udp send --probe')
        .option('--window <N>', 'with --probe: how far back numbers are told apart', integer(8, LOSS_WINDOW_MAX))
        .option('--once', 'with --probe: stop when a sender is done')
        .option('--interval <T>', 'report what has come so often', positiveDuration)
        .option('--summary-only', 'nothing for single datagrams: intervals and the summary')
        .option('--reliable', 'take files from udp send --reliable')
        .option('--file <PATH>', 'with --reliable: where the file goes; into a folder, under the names of the senders')
        .addOption(
          timeOption('--timeout <T>', 'with --reliable: give up when nothing is heard for this time', 30_000, '30s'),
        ),
  );

  const raw = group(program, 'raw', 'raw sockets: ICMP, IGMP, any IP protocol');
  leaf(
    raw,
    'ping',
    'ICMP and ICMPv6 echo: one host, many, blocks and files of them',
    () => import('./commands/ping.js'),
    addPingOptions,
  );
  leaf(raw, 'trace', 'the way to a host, hop by hop', () => import('./commands/trace.js'), addTraceOptions);
  leaf(
    raw,
    'sniff',
    'what raw sockets receive',
    () => import('./commands/sniff.js'),
    (c) =>
      addFileOptions(
        addPacketOptions(
          addFamilyOptions(c)
            .argument('[FILTER...]', 'which packets, pcap-filter(7)')
            .option('--resolve', 'look up names of hosts in the filter')
            .option(
              '--protocol <P>',
              'a name of protocols(5) or a number, repeatable: igmp, tcp, gre, ospf (default: icmp and icmp6)',
              collectTexts,
            )
            .option(
              '--icmp-type <TYPE>',
              'ICMP of this type only, repeatable: echo, unreachable, neighbor-solicitation or a number',
              collectTexts,
            )
            .option('--join <GROUP[@INTERFACE]>', 'hear a multicast group, repeatable', collectMemberships)
            .option(
              '--router-alert',
              'also packets with a router alert that this machine would forward; they are not forwarded then',
            )
            .option('-c, --count <N>', 'stop after N packets', count)
            .option('--duration <T>', 'stop after this time', positiveDuration)
            .option('-i, --interface <NAME>', 'one interface only, repeatable', collectTexts)
            .option('-s, --snapshot-length <N>', 'bytes kept of each packet', integer(1, 65_535))
            .option(
              '-B, --buffer <SIZE>',
              "each socket's receive buffer (default: 64M if it can be had)",
              size(0x3fff_ffff),
            )
            .addOption(new Option('--direction <DIR>').hideHelp().argParser(refuseDirection)),
        ),
        true,
      ),
  );

  leaf(
    raw,
    'send',
    'packets that are written, layer by layer; those of records, and of captures',
    () => import('./commands/send.js'),
    (c) =>
      c
        .argument('[PACKET]', 'layers from the outermost in, joined by /')
        .option('-i, --interface <NAME>', 'the interface that frames leave by; packets of IP too, where it is given')
        .option('--count <N>', 'send all of the packets that are written N times', count)
        .option('--rate <R>', 'packets a second (5k), a minute (1/m), or bits a second (10mbit)', rate)
        .option('--topspeed', 'as fast as the kernel takes them: usual, but for captures')
        .option('--fragment <N>', 'cut packets of IP that are larger than N bytes into fragments', integer(28, 65_535))
        .option('--answer <T>', 'wait so long for the answer to each, and print it', positiveDuration)
        .option('--dry-run', 'send nothing: print what would be sent, in hex and decoded')
        .option('--from-json <FILE>', 'send the packets of records of capture read --json; - for stdin')
        .option('--file <FILE>', 'send the packets of a capture file, at their own pace; - for stdin')
        .option('--speed <X>', 'of that pace: 2x, 0.5x', speed)
        .option('--max-gap <T>', 'wait no longer than this in a pause of the capture (default: 1h)', positiveDuration)
        .option('--loop <N>', 'send the capture N times', count)
        .option('--cut', 'send what there is of packets that were cut when they were captured')
        .option('-w, --write <FILE>', 'write what is sent to a capture file, - for stdout')
        .option('--print', 'print each packet that is sent, which is usual up to 50 of them')
        .option('--no-print', 'print none')
        .option('-V, --detail', 'with --dry-run: print every field of every layer')
        .option('--seed <N>', 'for what is random in the packet: the same packets again', integer(0, 0xffff_ffff))
        .option('--layers [NAME]', 'list the layers that can be written, or the fields of one')
        .option('--yes', 'more than 1,000 packets a second may go beyond the networks of this machine')
        .addHelpText('after', SEND_EXAMPLES),
  );

  const capture = group(program, 'capture', 'packets of a link, live or from files');
  leaf(
    capture,
    'live',
    'capture a link (the same as capture alone)',
    () => import('./commands/capture-live.js'),
    (c) =>
      addFileOptions(
        addPacketOptions(
          c
            .argument('[FILTER...]', 'which packets, pcap-filter(7)')
            .option(
              '-i, --interface <NAME>',
              'an interface, repeatable, or any (default: the first that is not the loopback)',
              collectTexts,
            )
            .option('--resolve', 'look up names of hosts in the filter')
            .option('-c, --count <N>', 'stop after N packets', count)
            .option('-s, --snapshot-length <N>', 'bytes kept of each packet (default: 262144)', size(0x7fffffff))
            .option('-B, --buffer <SIZE>', "the kernel's buffer for each interface (default: 32M)", size(0x7fffffff))
            .option('--workers <N>', 'threads that read, each with a share of the flows', integer(1, 64), 1)
            .option('-p, --no-promiscuous', 'only packets that are for this machine')
            .option('--duration <T>', 'stop after this time', positiveDuration)
            .option('--live', 'a view of the traffic on the terminal, with -w beside the file')
            .option('--interval <T>', 'tell figures so often, beside the packets', positiveDuration)
            .addOption(new Option('--direction <DIR>', 'only packets that come in, or go out').choices(['in', 'out']))
            .addOption(
              new Option('--timestamp-source <WHO>', 'who takes the time of a packet')
                .choices(['kernel', 'adapter'])
                .default('kernel'),
            )
            .option('--exit-when-gone', 'end when an interface is gone, in place of waiting for it to come back')
            .option('--print', 'with -w: print the packets too')
            .option('--count-only', 'print the number of packets alone'),
        ),
        true,
      ),
    { isDefault: true },
  );
  leaf(
    capture,
    'read',
    'decode, count, convert and merge capture files',
    () => import('./commands/capture-read.js'),
    (c) =>
      addFileOptions(
        addPacketOptions(
          c
            .argument(
              '<FILE...>',
              'pcap or pcapng, several are merged by time; - for stdin; then, from what names no file or from --, FILTER: which packets, pcap-filter(7)',
            )
            .usage('[options] <FILE...> [FILTER...]')
            .option('-c, --count <N>', 'stop after N packets', count)
            .option('--count-only', 'print the number of packets alone')
            .option('--resolve', 'look up names of hosts in the filter'),
        ),
        false,
      ),
    { sockets: false },
  );
  leaf(
    capture,
    'compile',
    'the BPF program of a filter',
    () => import('./commands/capture-compile.js'),
    (c) =>
      c
        .argument('[FILTER...]', 'pcap-filter(7)')
        .option(
          '-d',
          'as text (the default); -dd as C, -ddd as numbers',
          (_, times: number | undefined) => (times ?? 0) + 1,
        )
        .option('-O, --no-optimise', 'leave it as the expression says it')
        .addOption(
          new Option('-y, --link-type <NAME>', 'of the packets, by name or number')
            .argParser(linkType)
            .default(LinkType.ETHERNET, 'ETHERNET'),
        )
        .option('-s, --snapshot-length <N>', 'bytes wanted of each packet (default: 262144)', size(0xffff_ffff))
        .addOption(
          new Option(
            '--target <T>',
            'what it is for: file, kernel (knows direction, interface and VLAN tag), or a datagram socket',
          )
            .choices(['file', 'kernel', 'datagram'])
            .default('file'),
        )
        .option('--resolve', 'look up names of hosts'),
    { sockets: false },
  );
  leaf(
    capture,
    'info',
    'what capture files are: format, interfaces, times, counts, drops',
    () => import('./commands/capture-info.js'),
    (c) => c.argument('<FILE...>', 'pcap or pcapng; - for stdin'),
    { sockets: false },
  );
  leaf(
    capture,
    'stats',
    'protocols, conversations, endpoints and rate of capture files',
    () => import('./commands/capture-stats.js'),
    (c) =>
      c
        .argument('<FILE...>', 'pcap or pcapng, several are merged by time; - for stdin')
        .option('--protocols', 'the tree of protocols (default: everything)')
        .option('--conversations', 'who talks to whom')
        .option('--endpoints', 'each address')
        .option('--rate', 'packets and bytes over time')
        .option('--interval <T>', 'length of an interval of the rate (default: what fits a screen)', positiveDuration)
        .option('--top <N>', 'conversations and endpoints that are shown', count, 20)
        .addOption(new Option('--format <FORMAT>', 'one of the tables for programs').choices(['csv', 'tsv'])),
    { sockets: false },
  );
  leaf(
    capture,
    'follow',
    "one conversation's payload, in order",
    () => import('./commands/capture-follow.js'),
    (c) =>
      c
        .argument('<FILE...>', 'pcap or pcapng, several are merged by time; - for stdin')
        .option(
          '--stream <N>',
          'which one, as capture stats numbers them (default: the first)',
          integer(0, 0xffff_ffff),
        )
        .option('--udp', 'of UDP instead of TCP')
        .addOption(new Option('--as <STYLE>', 'how it is written').choices(['text', 'hex', 'raw']).default('text'))
        .addOption(
          new Option('--side <SIDE>', 'what one of both says: a has sent the first packet').choices(['a', 'b']),
        ),
    { sockets: false },
  );

  leaf(
    program,
    'interfaces',
    'the interfaces of this machine: state, link type, addresses, counters; and their changes',
    () => import('./commands/interfaces.js'),
    (c) =>
      c
        .argument('[NAME]', 'one of them, by name or number, with everything about it')
        .option('--up', 'only those that are up and have a carrier')
        .option('--watch', 'stay, and tell each change')
        .option('--interval <T>', 'with --watch: the packets and bits a second of each, this often', positiveDuration),
    { sockets: false },
  );
  leaf(
    program,
    'options',
    'the socket options that --opt takes, with their defaults here',
    () => import('./commands/options.js'),
    (c) =>
      c
        .argument('[NAME]', 'an option, or a part of its name')
        .addOption(new Option('--type <KIND>', 'those of one kind of socket').choices(SOCKET_KINDS)),
    { sockets: false },
  );
  leaf(
    program,
    'doctor',
    "what this machine and user can do, and the fix for what they can't",
    () => import('./commands/doctor.js'),
    (c) => c,
    { sockets: false },
  );
  leaf(
    program,
    'demo',
    'a tour of stream, datagram, raw and capture on loopback',
    () => import('./commands/demo.js'),
    (c) => c,
    { sockets: false },
  );
  const asked = leaves.find(({ path }) => path.every((word, i) => argv[i] === word));
  for (const { command, declare } of asked === undefined ? leaves : [asked]) addCommonOptions(declare(command));

  program
    .helpCommand(false)
    .command('help')
    .description('help for a command')
    .argument('[COMMAND...]', 'such as tcp serve')
    .action((path: string[]) => findCommand(program, path).help());
  return program;
}

const SEND_EXAMPLES = `
Examples:
  sockctl raw send 'ip(dst=127.0.0.1,ttl=9)/icmp(type=echo,id=7,seq=1)/"hello"' --answer 1s
  sockctl raw send 'ip(dst=192.0.2.7)/tcp(dport=[22,80,443],flags=SYN,sport=40000)' --answer 1s
  sockctl raw send 'ip(dst=192.0.2.7,ttl=1..30)/udp(dport=33434)/"probe"' --rate 20 --answer 2s
  sockctl raw send 'eth()/arp(op=request,tpa=192.0.2.1..192.0.2.254)' -i eth0 --rate 100 --answer 1s
  sockctl raw send 'ip(dst=192.0.2.7)/udp(dport=9)/random(4000)' --fragment 1280 --dry-run
  sockctl raw send --file trace.pcapng -i eth0 --speed 2x
  sockctl capture read trace.pcap --json | sockctl raw send --from-json - -i eth0
  sockctl raw send --layers tcp

The kernel knows nothing of the connection when a port answers a SYN, and resets it: that is as it should be.`;

/** The command at `path`: the deepest that is there, an error for a word that is none. */
function findCommand(program: Command, path: readonly string[]): Command {
  let found = program;
  for (const word of path) {
    const next = found.commands.find((command) => command.name() === word);
    if (next === undefined) program.error(`error: unknown command '${word}'`);
    found = next;
  }
  return found;
}

/** The flags about sockets are no use to a command that has none of its own; silence would be a lie. */
function refuseSocketFlags({ opt, printOptions }: CommonOptions): void {
  const flag = opt !== undefined ? '--opt' : printOptions === true ? '--print-options' : undefined;
  if (flag !== undefined) throw new UsageError(`${flag}: this command opens no socket to set or show options of`);
}

function refuseDirection(): never {
  throw new InvalidArgumentError('Raw sockets are handed what comes in, never what goes out: see capture --direction.');
}

/** A time above zero, which is `milliseconds` unless given; the help calls that `text`. */
function timeOption(flags: string, description: string, milliseconds: number, text: string): Option {
  return new Option(flags, description).argParser(positiveDuration).default(milliseconds, text);
}

/** A usage error as every other error looks: one line, with what to try. */
function oneLine(text: string, write: (line: string) => void): void {
  const [what = '', ...more] = text
    .replace(/^error: /, '')
    .trim()
    .split('\n');
  const advice = more.join(' ').replace(/^\(|\)$/g, '') || "see 'sockctl help COMMAND'";
  write(`sockctl: ${what.replace(/\.$/, '')}; ${advice}\n`);
}

function group(program: Command, name: string, summary: string): Command {
  return program.command(name).description(summary).enablePositionalOptions().exitOverride();
}
