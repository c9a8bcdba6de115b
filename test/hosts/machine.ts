/** What this machine and user can do, so that tests skip with a reason what they can't. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { delimiter, join } from 'node:path';

export const isRoot = process.getuid?.() === 0;

export function hasCommand(name: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, name)));
}

export const hasIPv6 = networkInterfaces().lo?.some((address) => address.family === 'IPv6') === true;

/** How many files a process may open at most (getrlimit(2), RLIMIT_NOFILE); Node raises its own limit to that. */
export function openFilesLimit(): number {
  const limits = readFileSync('/proc/self/limits', 'latin1');
  return Number(/^Max open files\s+\S+\s+(\d+)/m.exec(limits)?.[1] ?? 0);
}

/** Why network namespaces can't be had, or undefined. */
export function namespaceObstacle(): string | undefined {
  if (!isRoot) return 'network namespaces need root';
  if (!hasCommand('ip')) return 'the ip command (iproute2) is not installed';
  const name = `sockctl-probe-${process.pid}`;
  if (spawnSync('ip', ['netns', 'add', name]).status !== 0) return 'ip netns add does not work here';
  spawnSync('ip', ['netns', 'del', name]);
  return undefined;
}
