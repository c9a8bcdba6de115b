/**
 * Puts the command line and the pure JavaScript that it stands on into few files, in place of the compiled ones: a start
 * then reads a dozen files instead of a hundred and fifty. The library in dist/src and dist/capture stays as it is.
 *
 * Native packages stay outside, and what only few commands load. The licences of what goes in are laid beside it.
 */
import { chmodSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';

const OUT = 'dist/cli';
/** Beside the program, the child process that it starts for libpcap, and the thread that decodes. */
const ENTRIES = [`${OUT}/main.js`, 'dist/capture/sources/cap.js', 'dist/capture/sinks/render-worker.js'];

const { metafile } = await build({
  entryPoints: ENTRIES,
  outdir: OUT,
  entryNames: '[name]',
  allowOverwrite: true,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.20',
  external: ['koffi', 'cap', 'raw-socket', 'socks', '@peculiar/x509', 'reflect-metadata'],
  // CommonJS packages inside of an ES module still ask for Node's own.
  banner: { js: "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);" },
  legalComments: 'none',
  // Names stay, for stack traces; blanks and comments would only be read at each start.
  minifyWhitespace: true,
  metafile: true,
  logLevel: 'warning',
});

// The compiled files that are in the bundle now.
for (const name of readdirSync(OUT)) {
  const path = join(OUT, name);
  if (statSync(path).isDirectory() || !(path in metafile.outputs)) rmSync(path, { recursive: true });
}
chmodSync(`${OUT}/main.js`, 0o755);

/** `node_modules/pino/lib/x.js` -> `node_modules/pino` */
const packages = new Set(
  Object.keys(metafile.inputs)
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
