/** Hosts of a test: network namespaces with addresses and files of their own, gone when the test ends. */
import { mkdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { awaitReady, deleteNamespace, ip, namespaceName } from './namespace.js';

export interface Host {
  readonly name: string;
  readonly ipv4: string;
  readonly ipv6: string;
  /** The prefix of a command line that runs in this host. */
  readonly under: readonly string[];
}

export interface HostPair {
  readonly a: Host;
  readonly b: Host;
  ip(host: Host, ...args: string[]): string;
  remove(): void;
}

/** Two hosts on one link: 10.99.0.1 and .2, fd99::1 and ::2, interface `link0` on both. */
export function createHostPair(): HostPair {
  const id = namespaceName();
  const host = (letter: string, number: number): Host => {
    const name = `${id}-${letter}`;
    return { name, ipv4: `10.99.0.${number}`, ipv6: `fd99::${number}`, under: ['ip', 'netns', 'exec', name] };
  };
  const a = host('a', 1);
  const b = host('b', 2);
  const remove = () => {
    for (const { name } of [a, b]) deleteNamespace(name);
  };
  try {
    for (const { name } of [a, b]) ip('netns', 'add', name);
    const other = ['peer', 'name', 'link0', 'index', '11', 'netns', b.name];
    ip('-n', a.name, 'link', 'add', 'link0', 'index', '10', 'type', 'veth', ...other);
    for (const { name, ipv4, ipv6 } of [a, b]) {
      ip('-n', name, 'link', 'set', 'lo', 'up');
      ip('-n', name, 'addr', 'add', `${ipv4}/24`, 'dev', 'link0');
      ip('-n', name, 'addr', 'add', `${ipv6}/64`, 'dev', 'link0', 'nodad');
      ip('-n', name, 'link', 'set', 'link0', 'up');
    }
    for (const { name, ipv6 } of [a, b]) awaitReady(name, ['link0'], [ipv6]);
  } catch (error) {
    remove();
    throw error;
  }
  return { a, b, ip: (on, ...args) => ip('-n', on.name, ...args), remove };
}

export interface LoneHost {
  readonly under: readonly string[];
  ip(...args: string[]): string;
  /** What the host's commands see as the file of that name in /etc. */
  etc(file: string, text: string): void;
  remove(): void;
}

/** Where ip-netns(8) looks for the files that stand in for those of /etc. */
const NETNS_ETC = '/etc/netns';

/** One host with a loopback interface and a link that leads nowhere: `link0`, which has no address yet. */
export function createLoneHost(): LoneHost {
  const name = namespaceName();
  const etc = join(NETNS_ETC, name);
  const remove = () => {
    deleteNamespace(name);
    rmSync(etc, { recursive: true, force: true });
    try {
      rmdirSync(NETNS_ETC);
    } catch {
      // Others have files there.
    }
  };
  try {
    mkdirSync(etc, { recursive: true });
    ip('netns', 'add', name);
    ip('-n', name, 'link', 'set', 'lo', 'up');
    ip('-n', name, 'link', 'add', 'link0', 'type', 'veth', 'peer', 'name', 'other0');
    for (const link of ['link0', 'other0']) {
      // Without an address that the kernel makes up, which would not be usable at once.
      ip('-n', name, 'link', 'set', link, 'addrgenmode', 'none');
      ip('-n', name, 'link', 'set', link, 'up');
    }
  } catch (error) {
    remove();
    throw error;
  }
  return {
    under: ['ip', 'netns', 'exec', name],
    ip: (...args) => ip('-n', name, ...args),
    etc: (file, text) => writeFileSync(join(etc, file), text),
    remove,
  };
}
