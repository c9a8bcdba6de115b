/** `tcp[13] & 2 != 0`: what a packet holds, calculated with and compared. */
import { Alu } from '../program/instruction.js';
import type { Protocol } from '../syntax/keywords.js';
import type { Arithmetic, Operator, Relation } from '../syntax/tree.js';
import { and, type Base, type Condition, equals, field, not, type Term } from './condition.js';
import { cookedBytes } from './cooked-header.js';
import type { LinkState } from './link-state.js';
import { IP } from './numbers.js';
import { isFirstFragment } from './ports.js';
import { isProtocol } from './protocols.js';

/** A number, and what must hold for the packet to have it. */
interface Guarded {
  readonly term: Term;
  readonly guard: Condition | undefined;
}

const OPERATIONS: Readonly<Record<Operator, number>> = {
  '+': Alu.add,
  '-': Alu.sub,
  '*': Alu.mul,
  '/': Alu.div,
  '%': Alu.mod,
  '&': Alu.and,
  '|': Alu.or,
  '^': Alu.xor,
  '<<': Alu.lsh,
  '>>': Alu.rsh,
};

export function relation(state: LinkState, kind: Relation, left: Arithmetic, right: Arithmetic): Condition {
  const [a, b] = [arithmetic(state, left), arithmetic(state, right)];
  const compare = (comparison: '=' | '>' | '>='): Condition => ({
    type: 'terms',
    comparison,
    left: a.term,
    right: b.term,
  });
  const guards = [a.guard, b.guard].filter((guard) => guard !== undefined);
  return and(...guards, comparisonOf(kind, compare));
}

function comparisonOf(kind: Relation, compare: (comparison: '=' | '>' | '>=') => Condition): Condition {
  switch (kind) {
    case '=':
    case '>':
    case '>=':
      return compare(kind);
    case '!=':
      return not(compare('='));
    case '<':
      return not(compare('>='));
    case '<=':
      return not(compare('>'));
  }
}

function arithmetic(state: LinkState, node: Arithmetic): Guarded {
  switch (node.type) {
    case 'constant':
      return { term: { type: 'constant', value: node.value }, guard: undefined };
    case 'length':
      return { term: state.length(), guard: undefined };
    case 'negative': {
      const { term, guard } = arithmetic(state, node.of);
      return { term: { type: 'negative', of: term }, guard };
    }
    case 'binary':
      return binary(state, node);
    case 'field':
      return load(state, node);
  }
}

function binary(state: LinkState, node: Arithmetic & { type: 'binary' }): Guarded {
  const left = arithmetic(state, node.left);
  const right = arithmetic(state, node.right);
  if (right.term.type === 'constant') {
    const { value } = right.term;
    state.span = node.right;
    if ((node.operator === '/' || node.operator === '%') && value === 0) throw state.fail('a division by 0');
    if ((node.operator === '<<' || node.operator === '>>') && value > 31) {
      throw state.fail('a number of 32 bits shifted by more than 31');
    }
  }
  const term: Term = { type: 'binary', operation: OPERATIONS[node.operator], left: left.term, right: right.term };
  // What the right side needs is not asked, as libpcap does not: ip[0] + tcp[0] reads behind the header of any protocol.
  return { term, guard: left.guard };
}

function load(state: LinkState, node: Arithmetic & { type: 'field' }): Guarded {
  const index = arithmetic(state, node.index);
  state.span = node;
  const width = node.size as 1 | 2 | 4;
  if (node.protocol === 'link' && state.isHeaderHidden) {
    return { term: cookedBytes(state, index.term, width), guard: index.guard };
  }
  const [base, guards] = place(state, node.protocol, index.guard);
  if (base.cell !== undefined) base.cell.used = true;
  const guard = guards.length === 0 ? undefined : and(...guards);
  return { term: { type: 'load', base, index: index.term, width }, guard };
}

/** Where a protocol's header begins, and what must hold for it to be there; `inner` is what its index needs. */
function place(state: LinkState, protocol: Protocol, inner: Condition | undefined): [Base, Condition[]] {
  const before = inner === undefined ? [] : [inner];
  switch (protocol) {
    case 'radio':
      if (!state.isRadio) throw state.fail(`links of type ${state.linkTypeName} have no radio header`);
      return [{ constant: 0 }, before];
    case 'link':
      return [state.header, before];
    case 'ip':
    case 'ip6':
    case 'arp':
    case 'rarp':
    case 'atalk':
    case 'decnet':
    case 'lat':
    case 'sca':
    case 'moprc':
    case 'mopdl':
      return [state.networkHeader, [...before, isProtocol(state, protocol)]];
    case 'tcp':
    case 'udp':
    case 'sctp':
    case 'icmp':
    case 'igmp':
    case 'igrp':
    case 'pim':
    case 'vrrp':
    case 'carp': {
      const isIP = isProtocol(state, 'ip');
      return [state.behindIPv4, [isIP, ...before, isProtocol(state, protocol), isFirstFragment(state)]];
    }
    case 'icmp6': {
      const isIP6 = isProtocol(state, 'ip6');
      return [state.behindIPv6, [...before, isIP6, equals(field(state.networkHeader, 6, 1), IP.icmp6)]];
    }
    default:
      throw state.fail(
        `bytes of '${protocol}' can't be looked at`,
        'count from the link, ip, ip6, tcp, udp, sctp, icmp or icmp6',
      );
  }
}
