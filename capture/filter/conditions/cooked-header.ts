/**
 * The header that Linux puts in front of cooked packets, where the program runs before there is one: the kernel shows a
 * socket of packet(7) and SOCK_DGRAM the packet from its network header on. Of the header's fields it tells most itself
 * (linux/filter.h, SKF_AD_OFF; its numbers are in the machine's order, whatever the width of the load).
 */
import { LinkType } from '../../../src/wire/link-types.js';
import { SLL_HEADER, SLL2_HEADER } from '../../../src/wire/sll.js';
import { Alu } from '../program/instruction.js';
import { type Field, field, type Term } from './condition.js';
import type { LinkState } from './link-state.js';
import { Kernel } from './numbers.js';

/** A field of the header: where it begins, its length, and what the kernel has for it. */
interface KnownField {
  readonly at: number;
  readonly length: 1 | 2 | 4;
  readonly known: number | 'protocol' | 'zero';
}

const FIELDS: Readonly<Record<number, readonly KnownField[]>> = {
  [LinkType.LINUX_SLL]: [
    { at: 0, length: 2, known: Kernel.packetType },
    { at: 2, length: 2, known: Kernel.hardwareType },
    { at: 14, length: 2, known: 'protocol' },
  ],
  [LinkType.LINUX_SLL2]: [
    { at: 0, length: 2, known: 'protocol' },
    { at: 2, length: 2, known: 'zero' },
    { at: 4, length: 4, known: Kernel.interfaceIndex },
    { at: 8, length: 2, known: Kernel.hardwareType },
    { at: 10, length: 1, known: Kernel.packetType },
  ],
};

/** Bytes of the cooked header of a link type; 0 for links that are no cooked ones. */
export function cookedHeaderLength(linkType: number): number {
  if (linkType === LinkType.LINUX_SLL) return SLL_HEADER;
  return linkType === LinkType.LINUX_SLL2 ? SLL2_HEADER : 0;
}

/**
 * The bytes `link[index:width]` of a cooked packet in the kernel: in the header, or behind it.
 *
 * @throws KernelFilterError for those that it does not tell: hardware addresses, and parts of two fields at once
 */
export function cookedBytes(state: LinkState, index: Term, width: 1 | 2 | 4): Term {
  if (index.type !== 'constant') throw state.notInKernel('bytes at places that each packet decides');
  const { linkType } = state.context;
  const { value } = index;
  const length = cookedHeaderLength(linkType);
  if (value >= length) {
    return { type: 'load', base: { constant: 0 }, index: { type: 'constant', value: value - length }, width };
  }
  const found = FIELDS[linkType]?.find((one) => one.at <= value && value + width <= one.at + one.length);
  if (found === undefined) throw state.notInKernel('these bytes of a cooked header');
  if (found.known === 'zero') return { type: 'constant', value: 0 };
  const whole: Term = { type: 'field', field: knownField(state, found.known) };
  const behind = found.at + found.length - value - width;
  const shifted = behind === 0 ? whole : calculated(whole, Alu.rsh, 8 * behind);
  return width === found.length ? shifted : calculated(shifted, Alu.and, 2 ** (8 * width) - 1);
}

function knownField(state: LinkState, known: number | 'protocol'): Field {
  if (known === 'protocol') return field(state.cookedProtocol, 0, 2);
  return field({ constant: 0 }, known, 4);
}

const calculated = (left: Term, operation: number, value: number): Term => ({
  type: 'binary',
  operation,
  left,
  right: { type: 'constant', value },
});
