/** The chains of routers that probes are tried in, and what must be found of each. */
import type { ChainOptions, RouterChain } from './router-chain.js';

export interface KnownChain extends ChainOptions {
  readonly name: string;
  /** How a trace ends; default `reached`. */
  readonly end?: 'unreachable' | 'silent';
  /** With `unreachable`: the mark of traceroute(8), and the ICMP code. */
  readonly said?: Readonly<Record<'ipv4' | 'ipv6', { readonly mark: string; readonly code: number }>>;
}

export const CHAINS: readonly KnownChain[] = [
  { name: 'five hops', hops: 5 },
  { name: 'two parallel paths', hops: 5, parallel: 3 },
  { name: 'a hop that never answers', hops: 5, silent: [2] },
  { name: 'a black hole', hops: 5, blackHole: 3, end: 'silent' },
  {
    name: 'an administratively prohibited hop',
    hops: 5,
    refuse: { at: 3, because: 'prohibit' },
    end: 'unreachable',
    said: { ipv4: { mark: '!X', code: 13 }, ipv6: { mark: '!X', code: 1 } },
  },
  {
    name: 'an unreachable host',
    hops: 5,
    refuse: { at: 4, because: 'unreachable' },
    end: 'unreachable',
    // Over IPv6 Linux has no route there.
    said: { ipv4: { mark: '!H', code: 1 }, ipv6: { mark: '!N', code: 0 } },
  },
  { name: 'an MTU step', hops: 4, mtu: { behind: 2, bytes: 1400 } },
];

/** By TTL: who may answer a trace to the server; nobody at a hop that is silent. */
export function answeringHops(
  chain: RouterChain,
  { hops, blackHole, refuse }: KnownChain,
  family: 'ipv4' | 'ipv6',
): { readonly addresses: readonly string[] }[] {
  const last = blackHole === undefined ? (refuse?.at ?? hops) : blackHole - 1;
  return chain
    .hops(family)
    .slice(0, last)
    .map((addresses) => ({ addresses }));
}
