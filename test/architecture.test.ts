/** The import rule holds, and the linter would see it broken: forbidden imports are tried on it. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const FORBIDDEN: [string, string][] = [
  ['src/errors.ts', './sockaddr/ip.js'],
  ['src/sockaddr/x.ts', '../socket/port.js'],
  ['src/sockaddr/x.ts', '../wire/icmp.js'],
  ['src/wire/x.ts', 'node:fs'],
  ['src/wire/x.ts', '../measure/clock.js'],
  ['src/options/x.ts', '../socket/port.js'],
  ['src/options/x.ts', '../log/events.js'],
  ['src/log/events.ts', 'pino'],
  ['src/measure/x.ts', '../socket/port.js'],
  ['src/socket/x.ts', '../stream/serve.js'],
  ['src/socket/native/messages.ts', 'koffi'],
  ['src/socket/portable/datagram.ts', 'raw-socket'],
  ['src/stream/x.ts', '../datagram/send.js'],
  ['src/stream/x.ts', 'socks'],
  ['src/stream/tls.ts', '@peculiar/x509'],
  ['src/datagram/x.ts', '../raw/ping.js'],
  ['src/raw/x.ts', '../../capture/record.js'],
  ['src/raw/x.ts', '../../cli/main.js'],
  ['src/raw/send/x.ts', '../ping.js'],
  ['src/raw/send/kinds/x.ts', '../layers/table.js'],
  ['src/raw/send/layers/x.ts', '../../ping.js'],
  ['src/index.ts', '../capture/index.js'],
  ['capture/x.ts', '../src/raw/ping/ping.js'],
  ['capture/x.ts', '../src/stream/serve.js'],
  ['capture/x.ts', '../cli/main.js'],
  ['capture/sources/file.ts', 'cap'],
  ['cli/commands/x.ts', 'pino'],
  ['cli/commands/x.ts', 'koffi'],
  ['capture/sources/input.ts', 'fzstd'],
];

const ALLOWED: [string, string][] = [
  ['src/wire/x.ts', '../sockaddr/ip.js'],
  ['src/socket/native/libc.ts', 'koffi'],
  ['capture/sources/zstd.ts', 'fzstd'],
  ['src/socket/portable/raw.ts', 'raw-socket'],
  ['src/log/pino.ts', 'pino'],
  ['capture/sources/cap.ts', 'cap'],
  ['src/stream/proxy-socks.ts', 'socks'],
  ['src/stream/self-signed.ts', '@peculiar/x509'],
  ['src/raw/send/layers/x.ts', '../kinds/fields.js'],
  ['capture/x.ts', '../src/wire/dissect.js'],
  ['cli/commands/x.ts', '../../src/raw/ping/ping.js'],
  ['cli/program.ts', 'commander'],
];

let folder: string;
/** The files in which the linter found a forbidden import. */
let refused: Set<string>;

/** Each pair gets a file of its own beside the place that it stands for, so that all are linted in one run. */
function fileFor(path: string, index: number): string {
  return path.endsWith('/x.ts') ? path.replace('x.ts', `x${index}.ts`) : path;
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sockctl-test-'));
  copyFileSync('.biome.json', join(folder, '.biome.json'));
  const lines = new Map<string, string[]>();
  for (const [i, [path, specifier]] of [...FORBIDDEN, ...ALLOWED].entries()) {
    const file = fileFor(path, i);
    lines.set(file, [...(lines.get(file) ?? []), `export * as name${i} from '${specifier}';`]);
  }
  for (const [file, text] of lines) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), `${text.join('\n')}\n`);
  }
  const biome = join(process.cwd(), 'node_modules/.bin/biome');
  const args = ['lint', '--vcs-enabled=false', '--only=style/noRestrictedImports', '--max-diagnostics=none', '.'];
  const { stdout, stderr } = spawnSync(biome, args, { cwd: folder, encoding: 'utf8' });
  refused = new Set(
    [...(stdout + stderr).matchAll(/^(\S+):(\d+):\d+ lint\/style\/noRestrictedImports/gm)].map(([, file, line]) => {
      const text = lines.get(file ?? '')?.[Number(line) - 1] ?? '';
      return `${file} ${/'(.*)'/.exec(text)?.[1]}`;
    }),
  );
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the import rule', () => {
  it.each(FORBIDDEN.map((pair, i) => [...pair, i] as const))('%s may not import %s', (path, specifier, i) => {
    expect(refused).toContain(`${fileFor(path, i)} ${specifier}`);
  });

  it.each(ALLOWED.map((pair, i) => [...pair, i + FORBIDDEN.length] as const))(
    '%s may import %s',
    (path, specifier, i) => {
      expect(refused).not.toContain(`${fileFor(path, i)} ${specifier}`);
    },
  );
});
