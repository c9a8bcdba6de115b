/**
 * Coverage-guided fuzzing of the decoders: changes what has shown new branches before, keeps what shows new ones again.
 * What must never be: an exception, more than 10 ms for a packet, a number that is none, a line with control characters,
 * output out of proportion.
 *
 *   npm run fuzz -- packets|files [--minutes N] [--seed N] [--keep FILE] [CAPTURE…]
 *
 * Begins with the packets (for `files`: the files themselves) of the captures, and those kept in FILE, a pcapng file
 * (gzipped where its name ends with .gz); a small set that shows all branches is written back there. Each find is in
 * found-N.pcapng beside it, and the exit code is then 1. Needs `npm run build`.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { gunzipSync, gzipSync } from 'node:zlib';
import { instrumentedCopy } from './fuzz/instrument.mjs';
import { mutate, random } from './fuzz/mutate.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string', default: String(Date.now() % 0x7fff_ffff) },
    keep: { type: 'string' },
  },
});
const [what, ...captures] = positionals;
if (what !== 'packets' && what !== 'files') {
  process.stderr.write('usage: npm run fuzz -- packets|files [--minutes N] [--seed N] [--keep FILE] [CAPTURE…]\n');
  process.exit(2);
}

/** A packet of up to this size takes no longer; a file has many. */
const MOST_MS = what === 'packets' ? 10 : 100;
const LARGEST = what === 'packets' ? 2048 : 16_384;

const copy = instrumentedCopy();
process.on('exit', copy.remove);
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));
globalThis.fuzzHits = new Uint32Array(copy.counters);
const load = (path) => import(pathToFileURL(join(copy.folder, path)));
const { fuzzHits } = globalThis;
const { openReader, openWriter } = await load('capture/format/open.js');
const { ByteWriter } = await load('capture/format/bytes.js');
const target = await (await import('./fuzz/targets.mjs')).targets[what](load);

/** Counts in eight steps, a bit each: how often a branch runs tells loops apart, not every number of rounds. */
const STEPS = Uint8Array.from({ length: 256 }, (_, n) =>
  n === 0 ? 0 : n < 4 ? 1 << (n - 1) : n < 8 ? 8 : n < 16 ? 16 : n < 32 ? 32 : n < 128 ? 64 : 128,
);
const seen = new Uint8Array(copy.counters);
const corpus = [];
let found = 0;
let runs = 0;
let slowest = 0;

/** @returns whether it shows something new */
function run(input) {
  runs++;
  fuzzHits.fill(0);
  const most = MOST_MS * Math.max(1, input.bytes.length / LARGEST);
  try {
    const started = performance.now();
    target.run(input);
    let took = performance.now() - started;
    // The collector and the machine's other work are not the packet's: what is slow is slow each time.
    for (let again = 0; took > most && again < 9; again++) {
      const from = performance.now();
      target.run(input);
      took = Math.min(took, performance.now() - from);
    }
    slowest = Math.max(slowest, took);
    if (took > most) report(input, new Error(`took ${took.toFixed(1)} ms`));
  } catch (error) {
    report(input, error);
    return false;
  }
  const fresh = news();
  for (const { at, step } of fresh) seen[at] |= step;
  return fresh.length > 0;
}

/** What the last run has shown that nothing before has. */
function news() {
  const fresh = [];
  for (let at = 0; at < fuzzHits.length; at++) {
    const hits = fuzzHits[at];
    if (hits === 0) continue;
    const step = STEPS[Math.min(hits, 255)];
    if ((seen[at] & step) === 0) fresh.push({ at, step });
  }
  return fresh;
}

/** Counts what an input runs through; false for one that is wrong, which {@link run} has reported. */
function counts(input) {
  fuzzHits.fill(0);
  try {
    target.run(input);
    return true;
  } catch {
    return false;
  }
}

/** The input without what it does not need at its end to show the same news; undefined where it shows none. */
function shortened(input) {
  if (!counts(input)) return undefined;
  const wanted = news();
  if (wanted.length === 0) return undefined;
  let best = input;
  for (let cut = input.bytes.length >> 1; cut > 0; ) {
    const shorter = target.cut(best, Math.max(0, best.bytes.length - cut));
    const same = counts(shorter) && wanted.every(({ at, step }) => (STEPS[Math.min(fuzzHits[at], 255)] & step) !== 0);
    if (same && shorter.bytes.length < best.bytes.length) best = shorter;
    else cut >>= 1;
  }
  run(best);
  return best;
}

const reported = new Set();
function report(input, error) {
  const where = String(error.stack ?? error)
    .split('\n')
    .slice(0, 3)
    .join(' ');
  if (reported.has(where) || reported.size > 50) return;
  reported.add(where);
  found++;
  process.stdout.write(
    `found: ${where}\n  ${JSON.stringify({ ...input, bytes: undefined })} ${Buffer.from(input.bytes).toString('hex').slice(0, 400)}\n`,
  );
  if (values.keep !== undefined) writeKept(join(dirname(values.keep), `found-${found}.pcapng`), [input]);
}

/** Inputs as a pcapng file, an interface for each link type. */
function writeKept(path, inputs) {
  const writer = openWriter('pcapng', { application: 'sockctl fuzz' });
  const out = new ByteWriter();
  const linkTypes = [...new Set(inputs.map((input) => input.linkType))].sort((a, b) => a - b);
  const interfaces = linkTypes.map((linkType, id) => ({ id, name: null, linkType, snapshotLength: 0 }));
  writer.open(out, interfaces);
  let number = 0;
  for (const { bytes, linkType, originalLength } of inputs) {
    const from = interfaces[linkTypes.indexOf(linkType)];
    writer.packet(out, {
      number: ++number,
      timestamp: null,
      interface: from,
      direction: null,
      bytes,
      originalLength,
    });
  }
  writer.close(out, { received: null, droppedKernel: null, droppedInterface: null, droppedApplication: null }, []);
  const file = out.written();
  writeFileSync(path, path.endsWith('.gz') ? gzipSync(file, { level: 9 }) : file);
}

function readCapture(path) {
  const file = readFileSync(path);
  const bytes = path.endsWith('.gz') ? gunzipSync(file) : file;
  const reader = openReader(path, bytes.subarray(0, 16));
  const packets = reader.push(bytes);
  return packets.map(({ bytes: data, interface: { linkType }, originalLength }) => ({
    bytes: Uint8Array.from(data),
    linkType,
    originalLength,
  }));
}

const starts = captures.flatMap((path) => {
  try {
    if (what === 'packets') return readCapture(path);
    const bytes = Uint8Array.from(readFileSync(path));
    return [{ bytes: bytes.slice(0, LARGEST), linkType: 147, originalLength: Math.min(LARGEST, bytes.length) }];
  } catch (error) {
    process.stderr.write(`${path}: ${error.message}\n`);
    return [];
  }
});
if (values.keep !== undefined && existsSync(values.keep)) starts.unshift(...readCapture(values.keep));
if (starts.length === 0) starts.push({ bytes: new Uint8Array(60), linkType: 1, originalLength: 60 });
for (const input of starts) if (run(input)) corpus.push(input);
if (corpus.length === 0) corpus.push(starts[0]);

const dice = random(Number(values.seed));
const ends = performance.now() + Number(values.minutes) * 60_000;
const shown = performance.now();
let nextReport = shown + 30_000;
const covered = () => seen.reduce((sum, steps) => sum + (steps === 0 ? 0 : 1), 0);
const line = () =>
  `${runs} runs, ${corpus.length} kept, ${covered()} of ${copy.counters} branches, slowest ${slowest.toFixed(1)} ms, ` +
  `heap ${(process.memoryUsage().heapUsed / 2 ** 20).toFixed(0)} MiB, ${found} found\n`;

process.stdout.write(`seed ${values.seed}; from ${starts.length}: ${line()}`);
for (let now = shown; now < ends; now = performance.now()) {
  for (let i = 0; i < 200; i++) {
    // What was kept last has been tried least.
    const from =
      dice.below(3) === 0 ? corpus[corpus.length - 1 - dice.below(Math.min(50, corpus.length))] : dice.of(corpus);
    const input = target.vary(from, mutate(from.bytes, dice.of(corpus).bytes, dice, LARGEST), dice);
    if (run(input)) corpus.push(input);
  }
  if (now < nextReport) continue;
  nextReport = now + 30_000;
  globalThis.gc?.();
  process.stdout.write(line());
}

if (values.keep !== undefined) {
  // The shortest first: what adds a branch that none before has shown stays.
  seen.fill(0);
  const byLength = [...corpus].sort((a, b) => a.bytes.length - b.bytes.length);
  const kept = byLength.map(shortened).filter((input) => input !== undefined);
  writeKept(values.keep, kept);
  process.stdout.write(`${kept.length} in ${values.keep}\n`);
}
process.stdout.write(line());
process.exit(found > 0 ? 1 : 0);
