/** Names of addresses and origins of routes, from a name server that lies, is silent, or is not there. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { namespaceObstacle } from '../../hosts/machine.js';
import { createLoneHost, type LoneHost } from '../../hosts/namespaces.js';

const book = new URL('../../../dist/src/sockaddr/address-book.js', import.meta.url);
const server = new URL('../../hosts/programs/name-server.mjs', import.meta.url).pathname;

function findObstacle(): string | undefined {
  if (!existsSync(book)) return 'needs the build in dist/';
  if (!existsSync('/etc/resolv.conf')) return 'ip netns exec stands in for files that are there';
  return namespaceObstacle();
}

const reverse = (address: string) => `${address.split('.').reverse().join('.')}.in-addr.arpa`;
const origin = (address: string) => `${address.split('.').reverse().join('.')}.origin.asn.cymru.com`;

const ZONE = {
  [reverse('1.0.0.1')]: { PTR: ['router-1.example.net'] },
  [origin('1.0.0.1')]: { TXT: ['64500 | 1.0.0.0/24 | AU | apnic | 2011-08-11', '64501 | 1.0.0.0/8 | AU | apnic |'] },
  // Another one's address, what a terminal would obey, and what is no name at all.
  [reverse('1.0.0.2')]: { PTR: ['8.8.8.8'] },
  [reverse('1.0.0.3')]: { PTR: ['a\\027[2J.example'] },
  [reverse('1.0.0.4')]: { PTR: ['two words.example', 'good.example'] },
  [origin('1.0.0.2')]: { TXT: ['x'.repeat(600)] },
  [origin('1.0.0.3')]: { TXT: ['64500 | 9.0.0.0/8 | AU | apnic |'] },
  [reverse('1.0.0.9')]: null,
  [origin('1.0.0.9')]: null,
  '1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.e.f.ip6.arpa': { PTR: ['link.example'] },
};

/** Runs in the host: what is known of each address, at the end, and how long that took. */
const PROGRAM = `
const [module, ip, options, ...addresses] = process.argv.slice(1);
const { AddressBook } = await import(module);
const { parseIP } = await import(ip);
const book = new AddressBook({ ...JSON.parse(options) });
const started = performance.now();
const all = addresses.map(parseIP);
const first = all.map((address) => book.facts(address));
const facts = await Promise.all(all.map((address) => book.settled(address)));
const took = performance.now() - started;
const again = all.map((address) => book.facts(address));
book.close();
console.log(JSON.stringify({ first, facts, again, took }));
process.exit(0);
`;

interface Result {
  readonly first: unknown[];
  readonly facts: { name?: string | null; origin?: unknown }[];
  readonly again: unknown[];
  readonly took: number;
}

async function look(host: LoneHost, options: object, addresses: readonly string[]): Promise<Result> {
  const [command = '', ...under] = host.under;
  const ip = new URL('./ip.js', book).href;
  const node = [process.execPath, '--input-type=module', '-e', PROGRAM, book.href, ip, JSON.stringify(options)];
  const { stdout } = await promisify(execFile)(command, [...under, ...node, ...addresses], { timeout: 20_000 });
  return JSON.parse(stdout);
}

const obstacle = findObstacle();

describe.skipIf(obstacle !== undefined)(`an address book${obstacle === undefined ? '' : ` (${obstacle})`}`, () => {
  let host: LoneHost;
  let asked = '';
  let stop: () => Promise<unknown>;

  beforeAll(async () => {
    host = createLoneHost();
    host.ip('route', 'add', 'blackhole', '192.0.2.0/24');
    host.etc('resolv.conf', 'nameserver 127.0.0.1\n');
    const [command = '', ...under] = host.under;
    const child = spawn(command, [...under, process.execPath, server, '127.0.0.1', JSON.stringify(ZONE)]);
    child.stdout.on('data', (chunk: Buffer) => {
      asked += chunk.toString();
    });
    await once(child.stdout, 'data');
    stop = () => {
      child.kill();
      return once(child, 'exit');
    };
  });
  afterAll(async () => {
    await stop?.();
    host?.remove();
  });

  it('has names and origins, and nothing that is no name and no origin', async () => {
    const addresses = ['1.0.0.1', '1.0.0.2', '1.0.0.3', '1.0.0.4', '1.0.0.5', 'fe80::1%link0', '10.0.0.1'];
    const { first, facts, again } = await look(host, { names: true, origins: true }, addresses);
    expect(first).toEqual(addresses.map(() => ({})));
    expect(facts).toEqual([
      {
        name: 'router-1.example.net',
        origin: { systems: [64500], prefix: '1.0.0.0/24', country: 'AU', registry: 'apnic' },
      },
      { name: null, origin: null },
      { name: null, origin: null },
      { name: 'good.example', origin: null },
      { name: null, origin: null },
      { name: 'link.example', origin: null },
      { name: null, origin: null },
    ]);
    expect(again).toEqual(facts);
    // Nobody is told of addresses that are nobody's business.
    expect(asked).toContain('TXT 1.0.0.1.origin.asn.cymru.com');
    expect(asked).not.toContain('10.in-addr.arpa.origin');
    expect(asked).not.toContain('TXT 1.0.0.10');
  });

  it('asks for what is wanted alone', async () => {
    const before = asked.length;
    expect((await look(host, { origins: true }, ['1.0.0.1'])).facts).toMatchObject([{ origin: { systems: [64500] } }]);
    expect((await look(host, { names: true }, ['1.0.0.1'])).facts).toEqual([{ name: 'router-1.example.net' }]);
    expect((await look(host, {}, ['1.0.0.1'])).facts).toEqual([{}]);
    expect(asked.slice(before).trim().split('\n')).toHaveLength(2);
  });

  it('waits for each of many no longer than asked, and asks about few at once', async () => {
    const silent = await look(host, { names: true, origins: true, timeoutMs: 200 }, ['1.0.0.9', '1.0.0.1']);
    expect(silent.facts[0]).toEqual({ name: null, origin: null });
    expect(silent.facts[1]).toMatchObject({ name: 'router-1.example.net' });
    expect(silent.took).toBeGreaterThan(190);
    expect(silent.took).toBeLessThan(1500);
    const inTurn = await look(host, { names: true, timeoutMs: 100, concurrency: 1 }, ['1.0.0.9', '1.0.0.1']);
    expect(inTurn.facts).toEqual([{ name: null }, { name: 'router-1.example.net' }]);
    expect(inTurn.took).toBeGreaterThan(95);
  });

  it('knows nothing where there is no name server', async () => {
    host.etc('resolv.conf', 'nameserver 192.0.2.53\n');
    const { facts, took } = await look(host, { names: true, origins: true, timeoutMs: 200 }, ['1.0.0.1', '1.0.0.2']);
    host.etc('resolv.conf', 'nameserver 127.0.0.1\n');
    expect(facts).toEqual([
      { name: null, origin: null },
      { name: null, origin: null },
    ]);
    expect(took).toBeLessThan(1500);
  });
});
