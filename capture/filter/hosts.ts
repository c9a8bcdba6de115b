/** Names of hosts in a filter, looked up before it is compiled: only for those who ask for it. */
import { SockctlError } from '../../src/errors.js';
import { type IPAddress, tryParseIP } from '../../src/sockaddr/ip.js';
import { type ResolveOptions, resolveHost } from '../../src/sockaddr/resolve.js';
import { type Span, unaskedName } from './error.js';
import type { HostTable } from './names.js';
import { parse } from './syntax/parser.js';
import type { Node } from './syntax/tree.js';

/**
 * What the names of hosts in an expression stand for.
 *
 * @throws FilterError for what is no expression; SockctlError EAI_* when the name service fails; a name that it does not
 *   know is for the compiler to show
 */
export async function resolveFilterHosts(expression: string, options: ResolveOptions = {}): Promise<HostTable> {
  const tree = parse(expression);
  const table = new Map<string, readonly IPAddress[]>();
  for (const name of tree === undefined ? [] : hostNames(tree).keys()) table.set(name, await addresses(name, options));
  return table;
}

/**
 * For those who let somebody else compile the expression.
 *
 * @param options.names whether names of hosts may be in it
 * @throws FilterError for what is no expression, and for names that may not
 */
export function checkExpression(expression: string, options: { readonly names: boolean }): void {
  const tree = parse(expression);
  if (options.names) return;
  const [first] = tree === undefined ? [] : hostNames(tree);
  if (first !== undefined) throw unaskedName(expression, first[1], first[0]);
}

async function addresses(name: string, options: ResolveOptions): Promise<readonly IPAddress[]> {
  try {
    return await resolveHost(name, options);
  } catch (error) {
    if (error instanceof SockctlError && error.code === 'EAI_NONAME') return [];
    throw error;
  }
}

/** Names that stand for hosts, and where they are; those of hardware addresses, ports, networks and protocols are in files. */
function hostNames(node: Node): Map<string, Span> {
  const names = new Map<string, Span>();
  const visit = (one: Node): void => {
    if (one.type === 'chain') {
      visit(one.first);
      for (const { node: next } of one.rest) visit(next);
    } else if (one.type === 'not') visit(one.of);
    else if (one.type === 'address' && one.id.type === 'name') {
      const { kind, protocol } = one.qualifiers;
      const isHost = kind === undefined || kind === 'host' || kind === 'gateway';
      // An address that is escaped is written as a name.
      const isName = tryParseIP(one.id.name) === undefined;
      if (isName && isHost && protocol !== 'link' && protocol !== 'decnet') names.set(one.id.name, one.id);
    }
  };
  visit(node);
  return names;
}
