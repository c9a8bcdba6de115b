/**
 * The type filters of raw ICMP sockets (raw(7), RFC 3542 section 3.2): which types a socket takes, decided in the
 * kernel.
 *
 * ICMP_FILTER has room for the types 0 to 31 and lets all others in; a BPF program sees to those.
 */
import { type OptionSetting, setting } from '../../options/settings.js';

const ICMP_FILTER_TYPES = 32;
const ALL_TYPES = 256;

/** Instructions of linux/bpf_common.h, as SO_ATTACH_FILTER's text has them: code, jump if true, jump if not, operand. */
const IP_HEADER_LENGTH_TO_X = '177 0 0 0';
const TYPE_TO_A = '80 0 0 0';
const ZERO_TO_A = '0 0 0 0';
const ZERO_TO_X = '1 0 0 0';
const REFUSE = '6 0 0 0';
const ACCEPT = '6 0 0 4294967295';

/** ICMP_FILTER, and the program for what that has no room for, in place of the one among `wanted`, which goes on behind it. */
export function icmpSettings(types: readonly number[], wanted: readonly OptionSetting[]): OptionSetting[] {
  const chosen = new Set(types);
  if (chosen.size === ALL_TYPES) return [...wanted];
  let blocked = 0;
  for (let type = 0; type < ICMP_FILTER_TYPES; type++) if (!chosen.has(type)) blocked |= 1 << type;
  const given = wanted.filter(({ option }) => option.name === 'SO_ATTACH_FILTER').at(-1);
  const others = wanted.filter(({ option }) => option.name !== 'SO_ATTACH_FILTER' && option.name !== 'ICMP_FILTER');
  const own = wanted.filter(({ option }) => option.name === 'ICMP_FILTER');
  const mask = own.length > 0 ? own : [setting('ICMP_FILTER', blocked >>> 0)];
  return [...mask, ...others, setting('SO_ATTACH_FILTER', typeProgram(chosen, given?.value))];
}

/** A program that goes on to `then`, where there is one, for packets of these types only. */
function typeProgram(types: ReadonlySet<number>, then: OptionSetting['value'] | undefined): string {
  const tests = [...types].map((type, i) => `21 ${types.size - i} 0 ${type}`);
  // Programs begin with zeros in both registers.
  const rest = then === undefined ? [ACCEPT] : [ZERO_TO_A, ZERO_TO_X, ...String(then).split(',').slice(1)];
  const program = [IP_HEADER_LENGTH_TO_X, TYPE_TO_A, ...tests, REFUSE, ...rest];
  return [program.length, ...program].join(',');
}

/** struct icmp6_filter: a bit set for each type to be dropped, on Linux. */
export function icmp6Settings(types: readonly number[], wanted: readonly OptionSetting[]): OptionSetting[] {
  const blocked = new Uint32Array(8).fill(0xffffffff);
  for (const type of types) blocked[type >> 5] = (blocked[type >> 5] ?? 0) & ~(1 << (type & 31));
  if (wanted.some(({ option }) => option.name === 'ICMP6_FILTER')) return [...wanted];
  return [setting('ICMP6_FILTER', Buffer.from(blocked.buffer).toString('hex')), ...wanted];
}
