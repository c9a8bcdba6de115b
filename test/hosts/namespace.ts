/** A network namespace (ip-netns(8)), which tests make hosts of. */
import { execFileSync } from 'node:child_process';

let counter = 0;

/** A name that no other test has: `sockctl-PID-N`. */
export function namespaceName(): string {
  return `sockctl-${process.pid}-${++counter}`;
}

export function ip(...args: readonly string[]): string {
  return execFileSync('ip', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Many commands of ip(8) by one process: `link set lo up`; the options are those before a command, such as `-6`. */
export function ipBatch(commands: readonly string[], namespace?: string, ...options: readonly string[]): void {
  if (commands.length === 0) return;
  const args = [...options, ...(namespace === undefined ? [] : ['-n', namespace]), '-batch', '-'];
  try {
    execFileSync('ip', args, { input: `${commands.join('\n')}\n`, stdio: ['pipe', 'ignore', 'pipe'] });
  } catch (error) {
    const { stderr } = error as { stderr?: Buffer };
    const said = stderr?.toString().trim() ?? String(error);
    const line = Number(/Command failed -:(\d+)/.exec(said)?.[1]);
    throw new Error(`ip ${commands[line - 1] ?? args.join(' ')}: ${said}`);
  }
}

export function deleteNamespace(name: string): void {
  try {
    ip('netns', 'del', name);
  } catch {
    // Not there: it was never made.
  }
}

export type KernelSettings = Readonly<Record<string, string | number>>;

/** Settings of sysctl(8) of several namespaces, by their names. */
export function setKernel(settings: Readonly<Record<string, KernelSettings>>): void {
  const commands = Object.entries(settings).map(([namespace, ofIt]) => {
    const words = Object.entries(ofIt).map(([name, value]) => `"${name}=${value}"`);
    return `netns exec ${namespace} sysctl -q -w ${words.join(' ')}`;
  });
  ipBatch(commands);
}

/**
 * Waits until links run and addresses of IPv6 can be used.
 *
 * The kernel looks at a new link's carrier up to a second later, and what is sent until then is lost; Node lists only
 * interfaces that run. It looks at once at those of veth whose two ends have different numbers (link watch of Linux). It
 * takes up an address of IPv6 when its work queue gets to it, which can be seconds where others make and remove
 * namespaces.
 *
 * @param addresses in the canonical form
 */
export function awaitReady(namespace: string, links: readonly string[], addresses: readonly string[]): void {
  const args = ['-6', '-o', '-n', namespace, '-batch', '-'];
  for (let tries = 0; tries < 1000; tries++) {
    const input = 'link show up\naddr show tentative\nroute show table local\n';
    const shown = execFileSync('ip', args, { input, encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'] });
    const runs = (link: string) => new RegExp(`^\\d+: ${link}[@:].* state UP`, 'm').test(shown);
    const isUsed = (address: string) => shown.includes(`local ${address} `) && !shown.includes(`inet6 ${address}/`);
    if (links.every(runs) && addresses.every(isUsed)) return;
  }
  throw new Error(`${namespace}: ${[...links, ...addresses].join(', ')} are not ready`);
}
