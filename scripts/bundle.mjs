/**
 * Puts the command line and the pure JavaScript that it stands on into one script, in place of the compiled modules, and
 * keeps what V8 makes of it (code-cache.mjs): a start then reads two files instead of a hundred and fifty, and compiles
 * nothing. The library in dist/src and dist/capture stays as it is.
 *
 * Native packages stay outside, and what only few commands load. The licences of what goes in are laid beside it.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const OUT = 'dist/cli';
/** What starts the program: a script as well, since Node takes longer for its first ES module than for all of it. */
const START = join(OUT, 'main.cjs');
const SCRIPT = join(OUT, 'sockctl.cjs');
const CACHE = join(OUT, 'sockctl.cache');
/** What the program starts beside itself: the child process for libpcap, and the thread that decodes. */
const BESIDE = [
  'dist/capture/sources/cap.js',
  'dist/capture/sources/ring/ring-worker.js',
  'dist/capture/sinks/render-worker.js',
];

const common = {
  bundle: true,
  platform: 'node',
  target: 'node20.20',
  external: ['koffi', 'cap', 'raw-socket', 'socks', '@peculiar/x509', 'reflect-metadata'],
  legalComments: 'none',
  // Names stay, for stack traces; blanks and comments would only be read at each start.
  minifyWhitespace: true,
  metafile: true,
  logLevel: 'warning',
};
const program = await build({
  ...common,
  entryPoints: [join(OUT, 'process.js')],
  outfile: SCRIPT,
  format: 'cjs',
  charset: 'ascii',
  // What is loaded late is asked of require, which the script is given.
  supported: { 'dynamic-import': false },
  // Given by load-program.ts: what modules of CommonJS are given, and where the program is, for those that start others
  // beside it.
  banner: { js: '(function (exports, require, module, __filename, __dirname, programUrl) {' },
  footer: { js: '})' },
  define: { 'import.meta.url': 'programUrl' },
});
const start = await build({
  ...common,
  entryPoints: [join(OUT, 'main.js')],
  outfile: START,
  format: 'cjs',
  banner: { js: '"use strict";const mainUrl = require("node:url").pathToFileURL(__filename).href;' },
  define: { 'import.meta.url': 'mainUrl' },
});
const beside = await build({
  ...common,
  entryPoints: BESIDE,
  outdir: OUT,
  entryNames: '[name]',
  format: 'esm',
  // CommonJS packages inside of an ES module still ask for Node's own.
  banner: { js: "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);" },
});
execFileSync(process.execPath, [fileURLToPath(new URL('./code-cache.mjs', import.meta.url))], { stdio: 'ignore' });

// The compiled files are in the bundles now.
const outputs = [program, start, beside].flatMap(({ metafile }) => Object.keys(metafile.outputs));
const kept = new Set([...outputs, CACHE]);
for (const name of readdirSync(OUT)) {
  const path = join(OUT, name);
  if (!kept.has(path)) rmSync(path, { recursive: true });
}
chmodSync(START, 0o755);

/** `node_modules/pino/lib/x.js` -> `node_modules/pino` */
const packages = new Set(
  [program, beside]
    .flatMap(({ metafile }) => Object.keys(metafile.inputs))
    .map((input) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0])
    .filter((folder) => folder !== undefined),
);
const notices = [...packages].sort().map((folder) => {
  const { name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  if (file === undefined) throw new Error(`${name}: no licence file in ${dirname(folder)}`);
  return `${name} ${version}\n\n${readFileSync(join(folder, file), 'utf8').trim()}\n`;
});
writeFileSync(`${OUT}/LICENSES.txt`, notices.join(`\n${'-'.repeat(80)}\n\n`));
