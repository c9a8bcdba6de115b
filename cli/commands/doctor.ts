/** `doctor`: what this machine and this user can do, and what would give the rest. */
import { openCapSource } from '../../capture/index.js';
import { ExitCode, toSockctlError } from '../../src/errors.js';
import { silentLogger } from '../../src/log/events.js';
import { type Ability, probeAbilities } from '../../src/socket/native/abilities.js';
import { portableBackend } from '../../src/socket/portable/backend.js';
import type { CommandContext } from '../context.js';
import { recordHead } from '../render/record.js';

export async function run(_: [], flags: { readonly user?: string }, context: CommandContext): Promise<ExitCode> {
  // Asked for by name, it is that user's abilities that count; under sudo root's, which open the sockets.
  if (flags.user !== undefined) context.dropPrivileges();
  const abilities = [...(await nativeAbilities()), await rawSocketPackage(), await capPackage()];
  const missing = abilities.filter(({ obstacle }) => obstacle !== undefined);
  if (context.json) {
    for (const { name, what, obstacle, fix } of abilities) {
      const there = obstacle === undefined;
      void context.output.record({
        ...recordHead('doctor.check'),
        name,
        what,
        there,
        obstacle: obstacle ?? null,
        fix: there ? null : fix,
      });
    }
  } else {
    await context.output.line(
      `Node ${process.version} on ${process.platform} ${process.arch}, user ${process.getuid?.() ?? '?'}`,
    );
    for (const ability of abilities) await context.output.line(abilityText(ability, context.color));
  }
  context.summary({
    ...recordHead('doctor.summary'),
    checks: abilities.length,
    missing: missing.length,
    endReason: 'eof',
  });
  return ExitCode.ok;
}

async function nativeAbilities(): Promise<Ability[]> {
  const base = { name: 'system calls', what: 'the native backend', fix: 'npm install, on Linux' };
  try {
    return [{ ...base, obstacle: undefined }, ...(await probeAbilities())];
  } catch (error) {
    return [{ ...base, obstacle: toSockctlError(error).message }];
  }
}

/** Without the privilege, too, the package shows that it loads. */
async function rawSocketPackage(): Promise<Ability> {
  const base = {
    name: 'raw-socket package',
    what: 'raw ping and raw sniff with --backend portable',
    fix: 'run scripts/setup in a clone of the project: a global install builds it up to Node 22 only',
  };
  try {
    const socket = await portableBackend().raw({ family: 'ipv4', protocol: 1, settings: [], logger: silentLogger });
    await socket.close();
    return { ...base, obstacle: undefined };
  } catch (error) {
    const { code, message } = toSockctlError(error);
    return { ...base, obstacle: code === 'BACKEND_MISSING' ? message : undefined };
  }
}

async function capPackage(): Promise<Ability> {
  const base = {
    name: 'cap package',
    what: 'capture with --backend portable',
    fix: 'sudo apt-get install libpcap-dev && npm rebuild cap',
  };
  try {
    await (await openCapSource({ device: 'lo' })).close();
    return { ...base, obstacle: undefined };
  } catch (error) {
    const { code, message } = toSockctlError(error);
    return { ...base, obstacle: code === 'BACKEND_MISSING' ? message : undefined };
  }
}

function abilityText({ name, what, obstacle, fix }: Ability, color: boolean): string {
  const paint = (text: string, code: number) => (color ? `\u001b[${code}m${text}\u001b[0m` : text);
  if (obstacle === undefined) return `${paint('  yes', 32)}  ${name}: ${what}`;
  return `${paint('   no', 31)}  ${name}: ${what}\n       ${obstacle}\n       fix: ${fix}`;
}
