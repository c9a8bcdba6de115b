/**
 * The order of addresses on a host of its own, against RFC 6724 section 6 done the slow way: rule by rule, with the
 * source address that the kernel gives to a connected UDP socket.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type IPAddress, parseIP } from '../../../src/sockaddr/ip.js';
import { IPPrefix, parsePrefix } from '../../../src/sockaddr/prefix.js';
import { namespaceObstacle } from '../../hosts/machine.js';
import { createLoneHost, type LoneHost } from '../../hosts/namespaces.js';

const resolver = new URL('../../../dist/src/sockaddr/resolve.js', import.meta.url);

function findObstacle(): string | undefined {
  if (!existsSync(resolver)) return 'needs the build in dist/';
  for (const file of ['/etc/hosts', '/etc/gai.conf', '/etc/resolv.conf']) {
    if (!existsSync(file)) return `ip netns exec stands in for files that are there, and ${file} is not`;
  }
  return namespaceObstacle();
}

/** RFC 6724 section 2.1, the default policy table: prefix, precedence, label. */
const POLICY = (
  [
    ['::1/128', 50, 0],
    ['::/0', 40, 1],
    ['::ffff:0:0/96', 35, 4],
    ['2002::/16', 30, 2],
    ['2001::/32', 5, 5],
    ['fc00::/7', 3, 13],
    ['::/96', 1, 3],
    ['fec0::/10', 1, 11],
    ['3ffe::/16', 1, 12],
  ] as const
).map(([text, precedence, label]) => ({ prefix: parsePrefix(text), precedence, label }));

/** The same for gai.conf(5), because the table in the C library may be that of the older RFC 3484. */
const GAI_CONF = POLICY.flatMap(({ prefix, precedence, label }) => [
  `precedence ${prefix.toString()} ${precedence}`,
  `label ${prefix.toString()} ${label}`,
]).join('\n');

const inSixteen = (ip: IPAddress) => (ip.family === 'ipv4' ? ip.toMapped() : ip);

function policyOf(ip: IPAddress) {
  const matches = POLICY.filter(({ prefix }) => prefix.contains(inSixteen(ip)));
  const longest = matches.sort((a, b) => b.prefix.length - a.prefix.length)[0];
  if (longest === undefined) throw new Error('::/0 holds every address');
  return longest;
}

/** Section 3: 2 for link-local, which loopback counts as, 5 for site-local, 14 for global. */
function scopeOf(ip: IPAddress): number {
  if (ip.isLoopback || ip.isLinkLocal) return 2;
  return parsePrefix('fec0::/10').contains(ip) ? 5 : 14;
}

interface Candidate {
  readonly address: IPAddress;
  readonly source: IPAddress | undefined;
}

/** Section 2.2: bits that both share, up to the length of the source's prefix. */
function commonPrefixLength(source: IPAddress, address: IPAddress, limit: number): number {
  for (let length = limit; length > 0; length--) {
    if (new IPPrefix(source, length).contains(address)) return length;
  }
  return 0;
}

interface Place {
  readonly name: string;
  /** Addresses of link0 with their prefix lengths; those marked are deprecated. */
  readonly addresses: readonly string[];
  readonly deprecated?: readonly string[];
  readonly routes: readonly string[];
  readonly destinations: readonly string[];
}

/** Negative when `a` goes first. No two destinations here are equal under all rules, which rule 10 is for. */
function compare(place: Place, a: Candidate, b: Candidate): number {
  const prefer = (yes: boolean, other: boolean) => Number(other) - Number(yes);
  const both = a.source !== undefined && b.source !== undefined;
  const matchesScope = ({ address, source }: Candidate) => source !== undefined && scopeOf(source) === scopeOf(address);
  const matchesLabel = ({ address, source }: Candidate) =>
    source !== undefined && policyOf(source).label === policyOf(address).label;
  const isCurrent = ({ source }: Candidate) => !(place.deprecated ?? []).includes(String(source));
  const common = ({ address, source }: Candidate) => {
    const own = place.addresses.map((text) => text.split('/')).find(([text]) => text === String(source));
    return source === undefined || own === undefined ? 0 : commonPrefixLength(source, address, Number(own[1]));
  };
  return (
    // Rule 1: avoid unusable destinations.
    prefer(a.source !== undefined, b.source !== undefined) ||
    // Rule 2: prefer matching scope. Without any source, rules 2 to 5 say nothing.
    (both ? prefer(matchesScope(a), matchesScope(b)) : 0) ||
    // Rule 3: avoid deprecated addresses.
    (both ? prefer(isCurrent(a), isCurrent(b)) : 0) ||
    // Rule 5: prefer matching label.
    (both ? prefer(matchesLabel(a), matchesLabel(b)) : 0) ||
    // Rule 6: prefer higher precedence.
    policyOf(b.address).precedence - policyOf(a.address).precedence ||
    // Rule 8: prefer smaller scope.
    scopeOf(a.address) - scopeOf(b.address) ||
    // Rule 9: use longest matching prefix.
    (both && a.address.family === b.address.family ? common(b) - common(a) : 0)
  );
}

const PLACES: Place[] = [
  {
    name: 'IPv4, ULA and global IPv6',
    addresses: ['10.98.0.1/24', 'fd98::1/64', '2001:db8:98::1/64', '2001:db8:98::dead/64', 'fe80::1/64'],
    deprecated: ['2001:db8:98::dead'],
    routes: [
      'default dev link0 src 10.98.0.1',
      'unreachable 198.51.100.0/24',
      '-6 default dev link0 src 2001:db8:98::1',
      // Nearer to its source than 2001:db8:90::9 is, so that rule 3 alone puts it behind.
      '-6 2001:db8:98:1::/64 dev link0 src 2001:db8:98::dead',
      '-6 unreachable 2001:db8:dead::/48',
    ],
    destinations: [
      '10.98.0.9',
      '203.0.113.9',
      '198.51.100.9',
      '127.0.0.1',
      '169.254.3.4',
      '::1',
      'fd98::9',
      '2001:db8:98::9',
      '2001:db8:90::9',
      '2001:db8:98:1::9',
      '2001:db8:dead::9',
      '2002:c000:201::1',
      '2001::1',
      '3ffe::9',
      'fe80::9',
    ],
  },
  {
    name: 'IPv4 and ULA alone',
    addresses: ['10.98.0.1/24', 'fd98::1/64', 'fe80::1/64'],
    routes: ['default dev link0 src 10.98.0.1', '-6 default dev link0 src fd98::1'],
    destinations: [
      '10.98.0.9',
      '203.0.113.9',
      '127.0.0.1',
      '::1',
      'fd98::9',
      'fd00:1::9',
      '2001:db8::9',
      '2002:c000:201::1',
    ],
  },
  {
    // One global IPv4 destination: on a host without IPv6, glibc does not weigh rule 9 for IPv4.
    name: 'IPv4 alone',
    addresses: ['10.98.0.1/24'],
    routes: ['default dev link0 src 10.98.0.1'],
    destinations: ['203.0.113.9', '::1', '127.0.0.1', '2001:db8::9', 'fd98::9'],
  },
];

/** Runs in the host: what resolveHost says, and the source address for each of `destinations`. */
const PROGRAM = `
import { createSocket } from 'node:dgram';
const [resolver, ...destinations] = process.argv.slice(1);
const { resolveHost } = await import(resolver);
const texts = async (options) => (await resolveHost('many.test', options)).map(String);
const sourceTo = (address) => new Promise((resolve) => {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  socket.once('error', () => resolve(null));
  socket.connect(9, address, (error) => {
    resolve(error ? null : socket.address().address);
    socket.close();
  });
});
const sources = [];
for (const address of destinations) sources.push([address, await sourceTo(address)]);
const all = await texts({});
const ipv4 = await texts({ family: 'ipv4' });
const ipv6 = await texts({ family: 'ipv6' });
console.log(JSON.stringify({ sources, all, ipv4, ipv6 }));
`;

/** What becomes of a name that no name server answers for, and after how many milliseconds. */
const UNANSWERED = `
const { resolveHost } = await import(process.argv[1]);
const started = performance.now();
const code = await resolveHost('nowhere.test', { timeoutMs: 50 }).then(String, (error) => error.code);
console.log(JSON.stringify({ code, took: performance.now() - started }));
`;

function runIn(host: LoneHost, program: string, ...args: readonly string[]): unknown {
  const [command = '', ...under] = host.under;
  const node = [process.execPath, '--input-type=module', '-e', program, resolver.href, ...args];
  return JSON.parse(execFileSync(command, [...under, ...node], { encoding: 'utf8', timeout: 20_000 }));
}

interface Answer {
  readonly sources: [string, string | null][];
  readonly all: string[];
  readonly ipv4: string[];
  readonly ipv6: string[];
}

const obstacle = findObstacle();

describe.skipIf(obstacle !== undefined)(
  `the order of addresses${obstacle === undefined ? '' : ` (${obstacle})`}`,
  () => {
    describe.each(PLACES)('with $name', (place) => {
      let host: LoneHost;

      beforeAll(() => {
        host = createLoneHost();
        for (const address of place.addresses) {
          const old = (place.deprecated ?? []).includes(address.replace(/\/.*/, ''));
          const flags = address.includes(':') ? ['nodad', ...(old ? ['preferred_lft', '0'] : [])] : [];
          host.ip('addr', 'add', address, 'dev', 'link0', ...flags);
        }
        for (const route of place.routes) {
          const six = route.startsWith('-6 ');
          host.ip(...(six ? ['-6'] : []), 'route', 'add', ...route.replace('-6 ', '').split(' '));
        }
        host.etc('gai.conf', GAI_CONF);
        host.etc('resolv.conf', '');
      });
      afterAll(() => host.remove());

      // The order within hosts(5) must not matter: as listed, in reverse, and in the order of the text.
      const { destinations } = place;
      it.each([
        ['as listed', destinations],
        ['in reverse', [...destinations].reverse()],
        ['sorted as text', [...destinations].sort()],
      ])('is that of RFC 6724: %s', (_, listed) => {
        // Each stands twice, as it may where several tools write the file.
        host.etc('hosts', [...listed, ...listed].map((address) => `${address} many.test\n`).join(''));
        const { sources, all, ipv4, ipv6 } = runIn(host, PROGRAM, ...listed) as Answer;

        const candidates = sources.map(([address, source]) => ({
          address: parseIP(address),
          source: source === null ? undefined : parseIP(source),
        }));
        for (const a of candidates) {
          const ties = candidates.filter((b) => compare(place, a, b) === 0).map(({ address }) => address.toString());
          expect(ties).toEqual([a.address.toString()]);
        }
        const wanted = candidates.sort((a, b) => compare(place, a, b)).map(({ address }) => address.toString());
        expect(all).toEqual(wanted);
        expect(ipv4).toEqual(wanted.filter((address) => !address.includes(':')));
        expect(ipv6).toEqual(wanted.filter((address) => address.includes(':')));
      });
    });

    it('is not waited for longer than asked', () => {
      const host = createLoneHost();
      try {
        host.ip('addr', 'add', '10.98.0.1/24', 'dev', 'link0');
        // Nobody is there; the system itself would wait for a second.
        host.etc('resolv.conf', 'nameserver 10.98.0.53\noptions timeout:1 attempts:1\n');
        const { code, took } = runIn(host, UNANSWERED) as { code: string; took: number };
        expect(code).toBe('EAI_AGAIN');
        expect(took).toBeGreaterThan(45);
        expect(took).toBeLessThan(900);
      } finally {
        host.remove();
      }
    });
  },
);
