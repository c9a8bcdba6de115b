/** Files of test/networks, read and checked: who writes a wrong one is told where and what. */
import { readdirSync, readFileSync } from 'node:fs';
import { SockctlError } from '../../../src/errors.js';
import { parseIP } from '../../../src/sockaddr/ip.js';
import { parsePrefix } from '../../../src/sockaddr/prefix.js';
import {
  anything,
  type Check,
  either,
  fail,
  has,
  isFlag,
  isList,
  isNull,
  isNumber,
  isText,
  list,
  named,
  number,
  object,
  one,
  text,
} from './check.js';
import type { HopDescription, NetworkDescription } from './description.js';

export const NETWORKS = new URL('../../networks/', import.meta.url).pathname;

/** The names of all networks: `five-hops` is test/networks/five-hops.json. */
export function networkNames(): string[] {
  return readdirSync(NETWORKS)
    .filter((file) => file.endsWith('.json'))
    .map((file) => file.slice(0, -'.json'.length))
    .sort();
}

/** @throws UsageError saying where in the file what is wrong */
export function readNetwork(name: string): NetworkDescription {
  return parseNetwork(readFileSync(`${NETWORKS}${name}.json`, 'utf8'), `${name}.json`);
}

/** @throws UsageError saying where in the text what is wrong */
export function parseNetwork(json: string, file: string): NetworkDescription {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    fail(file, `is no JSON: ${error instanceof Error ? error.message : String(error)}`, 'look for a comma too many');
  }
  NETWORK(value, file);
  const network = value as NetworkDescription;
  checkNames(network, file);
  return network;
}

const milliseconds = number(0, 3_600_000);
const byte = number(0, 255, 'whole');
const port = number(1, 65_535, 'whole');
const count = number(0, 1_000_000, 'whole');
const flag = one(true, false);

const address: Check = (value, at) => parsed(value, at, parseIP);
const prefix: Check = (value, at) => parsed(value, at, parsePrefix);

function parsed(value: unknown, at: string, parse: (text: string) => unknown): void {
  text(value, at);
  try {
    parse(value as string);
  } catch (error) {
    if (!(error instanceof SockctlError)) throw error;
    fail(at, error.message, error.advice);
  }
}

const pattern = either(
  [isNumber, number(0, 1)],
  [has('every'), object({ every: number(1, 1_000_000, 'whole') })],
  object({ packets: list(number(1, 1_000_000, 'whole')) }),
);
const impairment = object({
  'delayMs?': milliseconds,
  'jitterMs?': milliseconds,
  'drop?': pattern,
  'duplicate?': pattern,
  'corrupt?': object({ when: pattern, offset: number(0, 65_535, 'whole'), 'checksum?': one('kept', 'mended') }),
  'reorder?': object({ when: pattern, byMs: milliseconds }),
});
const link = object({
  path: list(text, 2),
  'delayMs?': milliseconds,
  'jitterMs?': milliseconds,
  'mtu?': number(68, 65_535, 'whole'),
  'there?': impairment,
  'back?': impairment,
  'addresses?': named(list(address, 1)),
});
const mpls = list(
  object({ label: number(0, 0xfffff, 'whole'), 'trafficClass?': number(0, 7, 'whole'), 'ttl?': byte }),
  1,
);
const interfaceFacts = object({ 'index?': count, 'name?': text, 'mtu?': count });
const node = {
  kind: anything,
  addresses: list(prefix),
  'silent?': flag,
  'rateLimit?': object({ perSecond: number(0, 1_000_000), 'burst?': number(1, 1_000_000, 'whole') }),
  'answersFrom?': list(address, 1),
  'ttl?': number(1, 255, 'whole'),
  'quote?': number(8, 1232, 'whole'),
  'mpls?': mpls,
  'interface?': interfaceFacts,
  'quoteLength?': one('said', 'unsaid'),
  'thinkingMs?': milliseconds,
  'clockAheadMs?': number(-86_400_000, 86_400_000),
};
const router = object({
  ...node,
  addresses: list(address),
  'blackHole?': either([isList, list(prefix, 1)], one(true)),
  'refuses?': list(
    object({ to: prefix, because: either([isNumber, byte], one('net', 'host', 'prohibited')), 'when?': pattern }),
  ),
  'balance?': one('flow', 'packet', 'destination'),
  'keepsTtl?': flag,
  'dscp?': number(0, 63, 'whole'),
  'nat?': object({
    addresses: list(address, 1),
    'ports?': number(0, 65_535, 'whole'),
    'restores?': list(one('source', 'checksum')),
  }),
});
const host = object({
  ...node,
  'echo?': either(
    [isFlag, flag],
    object({
      'changes?': object({ when: pattern, offset: number(0, 65_535, 'whole') }),
      'copies?': number(1, 100, 'whole'),
    }),
  ),
  'timestamp?': flag,
  'udp?': one('closed', 'silent', 'answers'),
  'tcp?': object({ 'open?': list(port), 'others?': one('closed', 'silent') }),
  'groups?': list(address, 1),
});
const prober = object({ kind: anything, addresses: list(address, 1) });
const KINDS: Readonly<Record<string, Check>> = { prober, router, host };

const hop = either(
  [isNull, anything],
  [isText, text],
  object({
    nodes: list(text, 1),
    'addresses?': list(address, 1),
    'mpls?': mpls,
    'interface?': interfaceFacts,
    'quotedDscp?': number(0, 63, 'whole'),
    'translated?': flag,
  }),
);
const expectation = object({
  targets: list(address, 1),
  'trace?': object({
    hops: list(hop),
    end: one('reached', 'unreachable', 'silent'),
    'code?': object({ ipv4: byte, ipv6: byte }),
  }),
  'ping?': object({
    count,
    received: count,
    'duplicates?': count,
    'corrupt?': count,
    'corruptAt?': number(0, 65_535, 'whole'),
    'errors?': count,
    'reporter?': text,
    'rttMs?': milliseconds,
  }),
  'pathMtu?': number(68, 65_535, 'whole'),
});
const NETWORK = object({
  about: text,
  'seed?': number(0, 0xffff_ffff, 'whole'),
  nodes: named((value, at) => {
    const kind = has('kind')(value) ? (value as { kind: unknown }).kind : undefined;
    one(...Object.keys(KINDS))(kind, `${at}.kind`);
    KINDS[kind as string]?.(value, at);
  }),
  links: list(link, 1),
  'expect?': list(expectation),
});

/** That names are those of nodes, and addresses are nobody else's. */
function checkNames({ nodes, links, expect = [] }: NetworkDescription, file: string): void {
  const names = Object.keys(nodes);
  const known = one(...names);
  const probers = names.filter((name) => nodes[name]?.kind === 'prober');
  if (probers.length !== 1) fail(`${file}.nodes`, `${probers.length} of them are probers`, 'write exactly one');
  const owners = new Map<string, string>();
  for (const [name, { addresses }] of Object.entries(nodes)) {
    for (const text of addresses) {
      const { key } = parsePrefix(text);
      const other = owners.get(key);
      if (other !== undefined) fail(`${file}.nodes.${name}`, `has ${text}, as ${other} has`, 'give each its own');
      owners.set(key, name);
    }
  }
  for (const [i, { path, addresses = {} }] of links.entries()) {
    for (const [step, name] of path.entries()) known(name, `${file}.links[${i}].path[${step}]`);
    for (const name of Object.keys(addresses)) one(...path)(name, `${file}.links[${i}].addresses`);
    if (path.some((name, step) => name === path[step - 1])) {
      fail(`${file}.links[${i}].path`, 'a link leads from a node to itself', 'name another one');
    }
  }
  for (const [i, { trace, ping }] of expect.entries()) {
    for (const [ttl, hop] of (trace?.hops ?? []).entries()) {
      for (const name of hopNodes(hop)) known(name, `${file}.expect[${i}].trace.hops[${ttl}]`);
    }
    if (ping?.reporter !== undefined) known(ping.reporter, `${file}.expect[${i}].ping.reporter`);
  }
}

/** The names of the nodes that may answer there; none for one that is silent. */
export function hopNodes(hop: HopDescription): readonly string[] {
  if (hop === null) return [];
  return typeof hop === 'string' ? [hop] : hop.nodes;
}
