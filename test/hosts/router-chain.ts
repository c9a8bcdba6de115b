/**
 * Chains of routers out of real namespaces: client - r1 - r2 - … - server, each a kernel of its own that forwards IPv4
 * and IPv6, on veth links.
 */
import { awaitReady, deleteNamespace, ipBatch, type KernelSettings, namespaceName, setKernel } from './namespace.js';

type Family = 'ipv4' | 'ipv6';

/** A place in the chain: the TTL that ends there, from 1 to that of the server. */
type Place = number;

export interface ChainOptions {
  /** TTL that reaches the server: one more than there are routers. 2 to 30. */
  readonly hops: number;
  /** The router at that place and its twin stand side by side, and the one before sends flows over either. */
  readonly parallel?: Place;
  /** From that router on, what goes to the server vanishes. */
  readonly blackHole?: Place;
  /**
   * That router refuses what goes to the server: 'administratively prohibited' or 'host unreachable'. Over IPv4 Linux says
   * so to a client five times at once, and then once a second, whatever {@link errorsPerSecond} is.
   */
  readonly refuse?: { readonly at: Place; readonly because: 'prohibit' | 'unreachable' };
  /** The link behind that router, or client (0), carries packets so long at most. */
  readonly mtu?: { readonly behind: Place; readonly bytes: number };
  /** Those routers send nothing of their own to the client. */
  readonly silent?: readonly Place[];
  /** ICMP errors that each router sends in a second in all, in bursts of as many at most; unlimited where left out. */
  readonly errorsPerSecond?: number;
}

export interface ChainNode {
  readonly name: string;
  /** What it answers from, towards the client. */
  readonly ipv4: string;
  readonly ipv6: string;
  /** The prefix of a command line that runs in it. */
  readonly under: readonly string[];
}

export interface RouterChain {
  readonly client: ChainNode;
  readonly server: ChainNode;
  /** By TTL from 1: the router there, or both of two parallel ones. */
  readonly routers: readonly (readonly ChainNode[])[];
  /** By TTL from 1 to that of the server: the addresses that may answer; none for a router that is silent. */
  hops(family: Family): string[][];
  remove(): void;
}

/** A link between two nodes, the one nearer to the client first. */
interface Link {
  readonly near: string;
  readonly far: string;
  /** Of the link; its addresses are 10.70.N.1 and .2, fd70:0:0:N::1 and ::2. */
  readonly number: number;
  readonly mtu: number;
}

const nearAddress = ({ number }: Link, family: Family) => addressOn(number, 1, family);
const farAddress = ({ number }: Link, family: Family) => addressOn(number, 2, family);
const addressOn = (link: number, end: number, family: Family) =>
  family === 'ipv4' ? `10.70.${link}.${end}` : `fd70:0:0:${link.toString(16)}::${end}`;

const FAMILIES: readonly Family[] = ['ipv4', 'ipv6'];
const HOST_BITS = { ipv4: 24, ipv6: 64 } as const;
/** All that is in a chain. */
const ALL = { ipv4: '10.70.0.0/16', ipv6: 'fd70::/48' } as const;

/**
 * @throws Error where namespaces can't be had; see namespaceObstacle in machine.ts
 */
export function createRouterChain(options: ChainOptions): RouterChain {
  const id = namespaceName();
  const layout = layOut(id, options);
  const { stages, links } = layout;
  const names = stages.flat();
  const isRouter = (name: string) => name !== names[0] && name !== names.at(-1);
  const remove = () => {
    for (const name of names) deleteNamespace(name);
  };
  try {
    ipBatch(names.map((name) => `netns add ${name}`));
    setKernel(Object.fromEntries(names.map((name) => [name, kernelSettings(isRouter(name), options.errorsPerSecond)])));
    ipBatch(
      links.map(
        ({ near, far, number, mtu }) =>
          `link add down${number} index ${100 + number} mtu ${mtu} netns ${near} type veth peer name up${number} index ${200 + number} mtu ${mtu} netns ${far}`,
      ),
    );
    for (const name of names) ipBatch(nodeCommands(name, layout, options), name);
    for (const place of options.silent ?? []) {
      for (const name of stages[place] ?? []) {
        // What the router itself sends to the client is looked up by this rule, what it passes on by the others.
        const silence = (family: Family) => [`rule add iif lo to ${nearAddress(links[0] as Link, family)} blackhole`];
        ipBatch(silence('ipv4'), name, '-4');
        ipBatch(silence('ipv6'), name, '-6');
      }
    }
    for (const name of names) awaitReady(name, linksOf(name, links), addressesOf(name, links));
  } catch (error) {
    remove();
    throw error;
  }
  const node = (name: string): ChainNode => {
    const link = (links.find(({ far }) => far === name) ?? links.find(({ near }) => near === name)) as Link;
    const own = link.far === name ? farAddress : nearAddress;
    return { name, ipv4: own(link, 'ipv4'), ipv6: own(link, 'ipv6'), under: ['ip', 'netns', 'exec', name] };
  };
  const routers = stages.slice(1, -1).map((stage) => stage.map(node));
  const server = node(names.at(-1) as string);
  return {
    client: node(names[0] as string),
    server,
    routers,
    hops: (family) =>
      stages.slice(1).map((stage, i) => {
        if (options.silent?.includes(i + 1) === true) return [];
        // Behind parallel routers there are two links to answer from, by Linux's choice of an address.
        return links.filter(({ far }) => stage.includes(far)).map((link) => farAddress(link, family));
      }),
    remove,
  };
}

interface Layout {
  /** From the client to the server: the names of the nodes at each place, of which there may be two. */
  readonly stages: readonly (readonly string[])[];
  readonly links: readonly Link[];
}

function layOut(id: string, { hops, parallel, mtu }: ChainOptions): Layout {
  const stages = Array.from({ length: hops + 1 }, (_, place) => {
    const name = place === 0 ? `${id}-client` : place === hops ? `${id}-server` : `${id}-r${place}`;
    return place === parallel ? [name, `${name}b`] : [name];
  });
  const links: Link[] = [];
  for (const [place, stage] of stages.slice(0, -1).entries()) {
    for (const near of stage) {
      for (const far of stages[place + 1] ?? []) {
        const bytes = mtu?.behind === place ? mtu.bytes : 1500;
        links.push({ near, far, number: links.length + 1, mtu: bytes });
      }
    }
  }
  return { stages, links };
}

function linksOf(name: string, links: readonly Link[]): string[] {
  return links.flatMap(({ near, far, number }) =>
    near === name ? [`down${number}`] : far === name ? [`up${number}`] : [],
  );
}

/** Those of IPv6. */
function addressesOf(name: string, links: readonly Link[]): string[] {
  return links.flatMap((link) => [
    ...(link.near === name ? [nearAddress(link, 'ipv6')] : []),
    ...(link.far === name ? [farAddress(link, 'ipv6')] : []),
  ]);
}

function kernelSettings(isRouter: boolean, errorsPerSecond: number | undefined): KernelSettings {
  return {
    'net.ipv4.conf.all.rp_filter': 0,
    'net.ipv4.conf.default.rp_filter': 0,
    'net.ipv4.ip_forward': isRouter ? 1 : 0,
    'net.ipv6.conf.all.forwarding': isRouter ? 1 : 0,
    'net.ipv6.conf.default.accept_ra': 0,
    // Link-local addresses that are looked after first could not be used for a second.
    'net.ipv6.conf.default.accept_dad': 0,
    'net.ipv6.conf.default.dad_transmits': 0,
    'net.ipv6.conf.all.accept_redirects': 0,
    'net.ipv4.conf.all.send_redirects': 0,
    // Of the 5-tuple, as most routers do.
    'net.ipv4.fib_multipath_hash_policy': 1,
    'net.ipv6.fib_multipath_hash_policy': 1,
    'net.ipv4.icmp_ratelimit': 0,
    'net.ipv6.icmp.ratelimit': 0,
    'net.ipv4.icmp_msgs_per_sec': errorsPerSecond ?? 1_000_000,
    'net.ipv4.icmp_msgs_burst': errorsPerSecond ?? 1_000_000,
    'net.ipv4.ping_group_range': '0 2147483647',
  };
}

function nodeCommands(name: string, { stages, links }: Layout, options: ChainOptions): string[] {
  const place = stages.findIndex((stage) => stage.includes(name));
  const outward = links.filter(({ near }) => near === name);
  const inward = links.filter(({ far }) => far === name);
  const commands = ['link set lo up'];
  for (const family of FAMILIES) {
    const bits = HOST_BITS[family];
    const nodad = family === 'ipv6' ? ' nodad' : '';
    for (const link of outward)
      commands.push(`addr add ${nearAddress(link, family)}/${bits} dev down${link.number}${nodad}`);
    for (const link of inward)
      commands.push(`addr add ${farAddress(link, family)}/${bits} dev up${link.number}${nodad}`);
  }
  commands.push(...linksOf(name, links).map((link) => `link set ${link} up`));
  for (const family of FAMILIES) commands.push(...routeCommands(family, place, outward, inward, links, options));
  return commands;
}

function routeCommands(
  family: Family,
  place: number,
  outward: readonly Link[],
  inward: readonly Link[],
  links: readonly Link[],
  { hops, blackHole, refuse }: ChainOptions,
): string[] {
  const commands: string[] = [];
  const server = farAddress(links.at(-1) as Link, family);
  const outNext = outward.map((link) => `via ${farAddress(link, family)} dev down${link.number}`);
  const backNext = inward.map((link) => `via ${nearAddress(link, family)} dev up${link.number}`);
  const isRouter = place > 0 && place < hops;
  // Everything lies behind the next router, but what lies before this one; the first link back is the one that counts.
  if (outNext.length > 0) commands.push(`route add ${ALL[family]} ${multipath(outNext)}`);
  else commands.push(`route add ${ALL[family]} ${backNext[0]}`);
  if (isRouter) {
    const before = links.filter(({ number }) => number < (inward[0] as Link).number);
    for (const link of before) {
      if (inward.includes(link)) continue;
      commands.push(`route replace ${networkOf(link, family)} ${backNext[0]}`);
    }
    if (blackHole === place) commands.push(`route add blackhole ${server}`);
    if (refuse?.at === place) commands.push(`route add ${refuse.because} ${server}`);
  }
  return commands;
}

function multipath(next: readonly string[]): string {
  return next.length === 1 ? (next[0] as string) : next.map((hop) => `nexthop ${hop}`).join(' ');
}

function networkOf({ number }: Link, family: Family): string {
  return family === 'ipv4' ? `10.70.${number}.0/24` : `fd70:0:0:${number.toString(16)}::/64`;
}
