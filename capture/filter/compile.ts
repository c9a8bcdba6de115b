/** `capture/filter`'s front door: an expression to a program, and to a function that is asked for packets. */
import { linkTypeName } from '../../src/wire/link-types.js';
import { cookedHeaderLength } from './conditions/cooked-header.js';
import { translate } from './conditions/translate.js';
import { FilterError, KernelFilterError } from './error.js';
import { assemble } from './graph/assemble.js';
import { RETURN } from './graph/block.js';
import { lower } from './graph/lower.js';
import { optimise } from './graph/optimise.js';
import type { HostTable } from './names.js';
import { MAX_INSTRUCTIONS, type Program } from './program/instruction.js';
import { parse } from './syntax/parser.js';

/** What libpcap keeps of a packet, unless it is told otherwise. */
export const DEFAULT_SNAPSHOT_LENGTH = 262_144;

export interface FilterOptions {
  /** A LINKTYPE_ number. */
  readonly linkType: number;
  /**
   * The bytes that are wanted of packets that pass, from 1 to 2^32 - 1; 262,144 unless given. The program returns it, for
   * cooked packets in the kernel without the header that is put in front of them later, but at least 1.
   */
  readonly snapshotLength?: number | undefined;
  /**
   * For `kernel`, a socket of packet(7), the program may ask for what the kernel knows besides the bytes; cooked packets
   * (SOCK_DGRAM) it sees without their header, of which the kernel tells all but the addresses. `datagram` is for SO_ATTACH_FILTER on
   * sockets above IP, whatever the link. `file` unless given.
   */
  readonly target?: 'file' | 'kernel' | 'datagram' | undefined;
  /** The order of bytes of the machine that captured, for loopback headers; this machine's unless given. */
  readonly byteOrder?: 'little' | 'big' | undefined;
  /** Of the interface's IPv4 network, 32 bits; 0 unless given: then 255.255.255.255 and 0.0.0.0 alone are `ip broadcast`. */
  readonly netmask?: number | undefined;
  /** Whether a filter that no packet can pass is one too; it is refused unless given. */
  readonly allowNone?: boolean | undefined;
  /** False leaves the program as the expression says it, test after test; true unless given. */
  readonly optimise?: boolean | undefined;
  /** What names of hosts stand for; they are refused without. See {@link resolveFilterHosts}. */
  readonly hosts?: HostTable | undefined;
}

/**
 * The program of an expression of pcap-filter(7); an empty one passes everything.
 *
 * @throws FilterError saying where the expression is wrong, or means nothing on this link
 */
export function compileFilter(expression: string, options: FilterOptions): Program {
  const accepted = wantedOf(options);
  const whole = { start: 0, end: expression.length };
  const tree = parse(expression);
  if (tree === undefined) return [{ code: RETURN, jt: 0, jf: 0, k: accepted }];
  const context = {
    linkType: options.linkType,
    target: options.target ?? 'file',
    littleEndian: (options.byteOrder ?? HOST_ORDER) === 'little',
    netmask: (options.netmask ?? 0) >>> 0,
  } as const;
  const { condition, state } = translate(expression, tree, context, options.hosts);
  const { root: begin, loops } = lower(condition, state, accepted);
  let root = begin;
  try {
    if (!loops && options.optimise !== false) root = optimise(begin);
  } catch (error) {
    if (error instanceof RangeError) throw new FilterError(expression, whole, error.message);
    throw error;
  }
  // What radio links and tunnels can't carry is not told by libpcap either.
  if (root.code === RETURN && root.k === 0 && options.allowNone !== true && state.payload.cell?.used !== true) {
    throw new FilterError(
      expression,
      whole,
      `no packet of a link of type ${linkTypeName(options.linkType)} can pass it`,
    );
  }
  const program = assemble(root);
  if (program === undefined) {
    throw new FilterError(
      expression,
      whole,
      `its program is longer than ${MAX_INSTRUCTIONS} instructions`,
      'ask for networks in place of single hosts',
    );
  }
  return program;
}

/** What the program returns: in the kernel, the header of a cooked packet is not counted; 0 would be none of it. */
function wantedOf({ snapshotLength = DEFAULT_SNAPSHOT_LENGTH, target, linkType }: FilterOptions): number {
  const hidden = target === 'kernel' ? cookedHeaderLength(linkType) : 0;
  return Math.max(1, snapshotLength - hidden);
}

/**
 * What a live capture gives the kernel, its target; undefined where only a look at the captured packets can tell, which
 * is for `createPacketFilter`.
 *
 * @throws FilterError saying where the expression is wrong, or means nothing on this link
 */
export function compileLiveFilter(expression: string, options: Omit<FilterOptions, 'target'>): Program | undefined {
  try {
    return compileFilter(expression, { ...options, target: 'kernel' });
  } catch (error) {
    if (!(error instanceof KernelFilterError)) throw error;
    compileFilter(expression, { ...options, target: 'file' });
    return undefined;
  }
}

const HOST_ORDER = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1 ? 'little' : 'big';
