/** From what an expression says to what that comes to on a link. */
import type { HostTable } from '../names.js';
import type { Node } from '../syntax/tree.js';
import { address } from './addresses.js';
import { relation } from './arithmetic.js';
import { type Condition, not } from './condition.js';
import { mpls, pppoeDiscovery, pppoeSession, tunnel, vlan } from './encapsulation.js';
import { broadcast, byte, direction, frameDirection, frameType, interfaceIndex, llc, multicast } from './frames.js';
import { type LinkContext, LinkState } from './link-state.js';
import { isProtocol } from './protocols.js';

export interface Translation {
  readonly condition: Condition;
  /** Where headers are that the program's beginning has to find. */
  readonly state: LinkState;
}

/**
 * Parts are translated from the left to the right, since tags and tunnels change what the parts behind them mean.
 *
 * @param hosts what names of hosts stand for; undefined where nobody looks them up
 * @throws FilterError for what means nothing on this link
 */
export function translate(
  expression: string,
  tree: Node,
  context: LinkContext,
  hosts: HostTable | undefined,
): Translation {
  const state = new LinkState(expression, context);
  return { condition: translateNode(tree), state };

  function translateNode(node: Node): Condition {
    switch (node.type) {
      case 'chain': {
        const first = translateNode(node.first);
        const rest = node.rest.map((link) => ({ operator: link.operator, condition: translateNode(link.node) }));
        return { type: 'chain', first, rest };
      }
      case 'not':
        return not(translateNode(node.of));
      default:
        state.span = node;
        return translateTest(node);
    }
  }

  function translateTest(node: Exclude<Node, { type: 'chain' | 'not' }>): Condition {
    switch (node.type) {
      case 'address':
        state.span = node.id;
        return address(state, node.qualifiers, node.id, hosts);
      case 'protocol':
        return isProtocol(state, node.protocol);
      case 'relation':
        return relation(state, node.relation, node.left, node.right);
      case 'broadcast':
        return broadcast(state, node.protocol);
      case 'multicast':
        return multicast(state, node.protocol);
      case 'byte':
        return byte(state, node.index, node.operator, node.value);
      case 'llc':
        return llc(state, node.kind);
      case 'frame-type':
        return frameType(state, node.value, node.mask);
      case 'frame-direction':
        return frameDirection(state, node.value);
      case 'plain':
        return translatePlain(node.word, node.number);
    }
  }

  function translatePlain(word: (Node & { type: 'plain' })['word'], number: number | undefined): Condition {
    switch (word) {
      case 'less':
        return not({ type: 'length', length: state.length(), comparison: '>', value: number ?? 0 });
      case 'greater':
        return { type: 'length', length: state.length(), comparison: '>=', value: number ?? 0 };
      case 'inbound':
      case 'outbound':
        return direction(state, word === 'outbound');
      case 'ifindex':
        return interfaceIndex(state, number ?? 0);
      case 'vlan':
        return vlan(state, number);
      case 'mpls':
        return mpls(state, number);
      case 'pppoed':
        return pppoeDiscovery(state);
      case 'pppoes':
        return pppoeSession(state, number);
      case 'geneve':
      case 'vxlan':
        return tunnel(state, word, number);
    }
  }
}
