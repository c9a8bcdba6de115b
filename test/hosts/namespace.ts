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
 * The kernel looks at a new link's carrier up to a second later, and what is sent until then is lost; Node lists only
 * interfaces that run. It looks at once at those of veth whose two ends have different numbers (link watch of Linux).
 */
export function awaitRunning(namespace: string, ...links: readonly string[]): void {
  for (let tries = 0; tries < 1000; tries++) {
    const up = ip('-n', namespace, '-o', 'link', 'show', 'up');
    const runs = (link: string) => new RegExp(`^\\d+: ${link}[@:].* state UP`, 'm').test(up);
    if (links.every(runs)) return;
  }
}
