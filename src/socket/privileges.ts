/**
 * Giving root away once what needed it is open: a packet tool reads hostile bytes, and should read them as nobody in
 * particular. The calls are setgroups(2), setgid(2) and setuid(2), in that order, for every thread of the process.
 */
import { execFileSync } from 'node:child_process';
import { clip, SocketError, UsageError } from '../errors.js';

/** A user of this system, as passwd(5) has it. */
export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/**
 * Who to become: `user` where one is named, else who called sudo(8), else nobody (undefined).
 *
 * @throws UsageError when there is no such user; SocketError EPERM when this process may not become it
 */
export function chooseAccount(user: string | undefined, environment: NodeJS.ProcessEnv): Account | undefined {
  if (user === undefined) return sudoAccount(environment);
  const account = findAccount(user);
  const uid = process.geteuid?.();
  if (uid !== 0 && uid !== account.uid) throw refusal(user);
  return account;
}

/** The account with that name, or that number, from wherever the system keeps its users. */
function findAccount(name: string): Account {
  // A name with a dash in front would be an option of id(1).
  if (/^[^-\s][^\s]*$/.test(name)) {
    try {
      const ask = (flag: string) => execFileSync('id', [flag, name], { encoding: 'utf8', stdio: 'pipe' }).trim();
      return { name: ask('-un'), uid: Number(ask('-u')), gid: Number(ask('-g')) };
    } catch {
      // id(1) has no such user.
    }
  }
  throw new UsageError(`--user ${clip(name)}: no such user`, 'see the users with: getent passwd');
}

/** sudo(8) tells who called it; root itself has nothing to give away. */
function sudoAccount(environment: NodeJS.ProcessEnv): Account | undefined {
  const { SUDO_UID: uid = '', SUDO_GID: gid = '', SUDO_USER: name = '' } = environment;
  if (process.geteuid?.() !== 0 || !/^\d+$/.test(uid) || !/^\d+$/.test(gid) || Number(uid) === 0) return undefined;
  return { name: name === '' ? uid : name, uid: Number(uid), gid: Number(gid) };
}

/**
 * Becomes `account` for good, with its groups and no capabilities; nothing happens where this process is it already.
 *
 * @throws SocketError EPERM when the process may not; it then must not go on as if it had
 */
export function dropPrivileges({ name, uid, gid }: Account): void {
  if (process.geteuid === undefined || (process.geteuid() === uid && process.getuid?.() === uid)) return;
  try {
    joinGroups(name, gid);
    process.setgid?.(gid);
    process.setuid?.(uid);
  } catch (cause) {
    throw refusal(name, cause);
  }
  if (uid !== 0 && mayReturn()) throw refusal(name);
}

/**
 * Does `step` as `account` would: with its rights for files, and then with the own ones again. Nothing else runs meanwhile.
 *
 * @throws SocketError EPERM when the process may not become it
 */
export function asAccount<Result>({ name, uid, gid }: Account, step: () => Result): Result {
  const before = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0, groups: process.getgroups?.() ?? [] };
  try {
    joinGroups(name, gid);
    process.setegid?.(gid);
    process.seteuid?.(uid);
  } catch (cause) {
    throw refusal(name, cause);
  }
  try {
    return step();
  } finally {
    process.seteuid?.(before.uid);
    process.setegid?.(before.gid);
    process.setgroups?.(before.groups);
  }
}

/** initgroups(3); a number without an entry in passwd(5) has no groups but its own. */
function joinGroups(name: string, gid: number): void {
  // The types of Node lack it.
  const { initgroups } = process as { initgroups?: (user: string, group: number) => void };
  try {
    initgroups?.(name, gid);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EPERM') throw error;
    process.setgroups?.([gid]);
  }
}

/** Whether root is still to be had: then nothing was given away. */
function mayReturn(): boolean {
  try {
    process.setuid?.(0);
    return true;
  } catch {
    return false;
  }
}

function refusal(name: string, cause?: unknown): SocketError {
  const advice = 'only root can become another user: run it with sudo, or leave out --user';
  return new SocketError({ syscall: `setuid(${name})`, code: 'EPERM', errno: 1, advice, cause });
}
