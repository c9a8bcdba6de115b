/** Networks that tests of trace make up: chains of routers between a prober and a server, and what is odd about them. */
import type {
  HostDescription,
  LinkDescription,
  NetworkDescription,
  RouterDescription,
} from '../../../hosts/network/description.js';

export const SERVER = { ipv4: '198.51.100.9', ipv6: '2001:db8:100::9' } as const;
export type Family = keyof typeof SERVER;

/** The address of router `index`, from 1. */
export const router = (index: number, family: Family = 'ipv4') =>
  family === 'ipv4' ? `10.50.${index}.1` : `fd50:0:${index.toString(16)}::1`;

export interface ChainDescription {
  /** How many; a server follows. */
  readonly routers: number;
  readonly delayMs?: number;
  /** What is odd about a router, by its index from 1. */
  readonly odd?: Readonly<Record<number, Partial<Omit<RouterDescription, 'kind'>>>>;
  readonly server?: Partial<Omit<HostDescription, 'kind'>>;
  /** Links instead of the plain chain, by the index of the router before them; 0 is the prober. */
  readonly links?: Readonly<Record<number, Partial<LinkDescription>>>;
}

export function chain({
  routers,
  delayMs = 1,
  odd = {},
  server = {},
  links = {},
}: ChainDescription): NetworkDescription {
  const names = ['prober', ...Array.from({ length: routers }, (_, i) => `r${i + 1}`), 'server'];
  const nodes: Record<string, NetworkDescription['nodes'][string]> = {
    prober: { kind: 'prober', addresses: ['10.50.0.2', 'fd50::2'] },
    server: { kind: 'host', addresses: [SERVER.ipv4, SERVER.ipv6], tcp: { open: [80] }, ...server },
  };
  for (let i = 1; i <= routers; i++) {
    nodes[`r${i}`] = { kind: 'router', addresses: [router(i), router(i, 'ipv6')], ...odd[i] };
  }
  return {
    about: 'A chain.',
    nodes,
    links: names.slice(1).map((name, i) => ({ path: [names[i] as string, name], delayMs, ...links[i] })),
  };
}

/** Two paths of equal length between the first router and the third hop: r2a and r2b, chosen by flow. */
export function twoPaths(balance: 'flow' | 'packet'): NetworkDescription {
  const base = chain({ routers: 1, odd: { 1: { balance } } });
  return {
    about: 'Two paths.',
    nodes: {
      ...base.nodes,
      r2a: { kind: 'router', addresses: ['10.60.1.1', 'fd60:0:1::1'] },
      r2b: { kind: 'router', addresses: ['10.60.2.1', 'fd60:0:2::1'] },
      r3: { kind: 'router', addresses: [router(3), router(3, 'ipv6')] },
    },
    links: [
      { path: ['prober', 'r1'], delayMs: 1 },
      { path: ['r1', 'r2a', 'r3'], delayMs: 1 },
      { path: ['r1', 'r2b', 'r3'], delayMs: 1 },
      { path: ['r3', 'server'], delayMs: 1 },
    ],
  };
}

export const PARALLEL: Readonly<Record<Family, readonly string[]>> = {
  ipv4: ['10.60.1.1', '10.60.2.1'],
  ipv6: ['fd60:0:1::1', 'fd60:0:2::1'],
};
