/** Hosts of a test: network namespaces joined by a veth pair, with addresses of their own, gone when the test ends. */
import { execFileSync } from 'node:child_process';

let counter = 0;

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
  const id = `${process.pid}-${++counter}`;
  const host = (letter: string, number: number): Host => {
    const name = `sockctl-${id}-${letter}`;
    return { name, ipv4: `10.99.0.${number}`, ipv6: `fd99::${number}`, under: ['ip', 'netns', 'exec', name] };
  };
  const a = host('a', 1);
  const b = host('b', 2);
  const run = (...args: string[]) => execFileSync('ip', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  const remove = () => {
    for (const { name } of [a, b]) {
      try {
        run('netns', 'del', name);
      } catch {
        // Not there: it was never made.
      }
    }
  };
  try {
    for (const { name } of [a, b]) run('netns', 'add', name);
    run('-n', a.name, 'link', 'add', 'link0', 'type', 'veth', 'peer', 'name', 'link0', 'netns', b.name);
    for (const { name, ipv4, ipv6 } of [a, b]) {
      run('-n', name, 'link', 'set', 'lo', 'up');
      run('-n', name, 'addr', 'add', `${ipv4}/24`, 'dev', 'link0');
      run('-n', name, 'addr', 'add', `${ipv6}/64`, 'dev', 'link0', 'nodad');
      run('-n', name, 'link', 'set', 'link0', 'up');
    }
  } catch (error) {
    remove();
    throw error;
  }
  return { a, b, ip: (on, ...args) => run('-n', on.name, ...args), remove };
}
