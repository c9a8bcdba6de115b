/** The options that every command takes. */
import { type Command, Option } from 'commander';
import { LOG_LEVELS, type LogLevel } from '../../src/log/events.js';
import { type OptionSetting, parseSetting } from '../../src/options/settings.js';
import type { IPFamily } from '../../src/sockaddr/ip.js';
import type { BackendChoice } from '../../src/socket/open.js';

export interface CommonOptions {
  readonly opt?: readonly OptionSetting[];
  readonly json?: boolean;
  readonly verbose?: number;
  readonly quiet?: boolean;
  readonly logLevel?: LogLevel;
  readonly logFormat?: 'auto' | 'pretty' | 'json';
  readonly logFile?: string;
  readonly color?: 'auto' | 'always' | 'never';
  readonly backend?: BackendChoice;
  readonly user?: string;
  readonly printOptions?: boolean;
}

export function addCommonOptions(command: Command): Command {
  return command
    .optionsGroup('Options of every command:')
    .option(
      '--opt <NAME[=VALUE]>',
      'set a socket option, repeatable: SO_RCVBUF=4M, TCP_NODELAY, IP_TTL=3',
      collectSettings,
    )
    .option('--json', 'results on stdout as one JSON record a line')
    .option(
      '-v, --verbose',
      'log each system call; twice, each read and write too',
      (_, times: number | undefined) => (times ?? 0) + 1,
    )
    .option(has(command, '-q') ? '--quiet' : '-q, --quiet', 'log errors only')
    .addOption(new Option('--log-level <LEVEL>', 'what is logged, by name').choices(LOG_LEVELS))
    .addOption(
      new Option('--log-format <FORMAT>', 'how it is logged (default: auto)').choices(['auto', 'pretty', 'json']),
    )
    .option('--log-file <PATH>', 'append the log to a file instead of stderr')
    .addOption(
      new Option('--color <WHEN>', 'colours on a terminal (default: auto)').choices(['auto', 'always', 'never']),
    )
    .addOption(
      new Option('--backend <NAME>', 'who makes the system calls (default: auto)').choices([
        'auto',
        'native',
        'portable',
      ]),
    )
    .option('--print-options', 'print every option of the sockets that are opened, on stderr')
    .option('--user <NAME>', 'become this user once the sockets are open (default under sudo: who called it)');
}

/** A command may have another use for a letter, as its peers have. */
function has({ options }: Command, flag: string): boolean {
  return options.some(({ short }) => short === flag);
}

export interface FamilyOptions {
  readonly ipv4?: boolean;
  readonly ipv6?: boolean;
}

export function addFamilyOptions(command: Command): Command {
  return command
    .addOption(new Option('-4, --ipv4', 'IPv4 only').conflicts('ipv6'))
    .addOption(new Option('-6, --ipv6', 'IPv6 only').conflicts('ipv4'));
}

export function chosenFamily(options: FamilyOptions): IPFamily | undefined {
  return options.ipv4 === true ? 'ipv4' : options.ipv6 === true ? 'ipv6' : undefined;
}

function collectSettings(text: string, earlier: OptionSetting[] | undefined): OptionSetting[] {
  return [...(earlier ?? []), parseSetting(text)];
}

/** The level that the flags ask for; the last of -q, -v and --log-level in this order wins. */
export function chosenLevel(options: CommonOptions): LogLevel {
  if (options.logLevel !== undefined) return options.logLevel;
  if ((options.verbose ?? 0) > 0) return options.verbose === 1 ? 'debug' : 'trace';
  return options.quiet === true ? 'error' : 'info';
}
