/**
 * npm run bench [-- NAME… [--rounds N] [--json]]: sockctl beside its peers, in one run, on alternating pairs.
 *
 * A benchmark is a module of this folder that exports `title`, `subjects` (the first is what the others are compared
 * with) and `cases`; measure(subject, case) gives numbers by name. What counts is the ratio within a round, and of the
 * ratios the median: absolute figures are of this machine and this minute.
 */
import { execFileSync } from 'node:child_process';
import { cpus, release } from 'node:os';
import { parseArgs } from 'node:util';

const BENCHMARKS = ['sockets', 'stream', 'datagram', 'decode', 'filter', 'capture', 'raw'];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '5' }, json: { type: 'boolean', default: false } },
});
const rounds = Number(values.rounds);
const names = positionals.length > 0 ? positionals : BENCHMARKS;
const unknown = names.find((name) => !BENCHMARKS.includes(name));
if (unknown !== undefined || !Number.isInteger(rounds) || rounds < 1) {
  const what =
    unknown === undefined ? `--rounds ${values.rounds}: not a number from 1 up` : `no benchmark '${unknown}'`;
  process.stderr.write(`bench: ${what}; there are: ${BENCHMARKS.join(', ')}\n`);
  process.exit(2);
}
execFileSync('bash', [new URL('../build', import.meta.url).pathname, '--if-needed'], { stdio: 'inherit' });

// Certificates for programs that speak HTTPS: where a machine's settings name some, each start of Node reads them all.
delete process.env.NODE_EXTRA_CA_CERTS;

for (const name of names) await runBenchmark(name, await import(`./${name}.mjs`));

async function runBenchmark(name, { title, subjects, cases, measure, targets = [] }) {
  say(
    `${title}\nNode ${process.version}, Linux ${release()}, ${cpus().length} x ${cpus()[0]?.model ?? '?'}, ${rounds} rounds`,
  );
  const samples = new Map();
  for (let round = 0; round < rounds; round++) {
    for (const one of cases) {
      // Every other round goes the other way round, so that no subject always has the warmer machine.
      const order = round % 2 === 0 ? subjects : (subjects.toReversed?.() ?? [...subjects].reverse());
      for (const subject of order) {
        const numbers = await measure(subject, one);
        if (numbers === undefined) continue;
        for (const [metric, value] of Object.entries(numbers)) {
          const key = `${one.name}\t${metric}\t${subject}`;
          samples.set(key, [...(samples.get(key) ?? []), value]);
        }
      }
      if (process.stderr.isTTY) process.stderr.write(`\r${name}: round ${round + 1} of ${rounds}, ${one.name}\u001b[K`);
    }
  }
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
  report(name, subjects, samples, targets);
}

function report(name, subjects, samples, targets) {
  const [base] = subjects;
  const rows = [['CASE', 'FIGURE', 'SUBJECT', 'MEDIAN', `TO ${base.toUpperCase()}`, 'SPREAD']];
  for (const [key, numbers] of [...samples].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const [one, metric, subject] = key.split('\t');
    const bases = samples.get(`${one}\t${metric}\t${base}`);
    const ratios =
      bases === undefined ? [] : numbers.map((value, round) => value / bases[round]).filter(Number.isFinite);
    const ratio = ratios.length === 0 ? undefined : median(ratios);
    if (values.json) {
      process.stdout.write(
        `${JSON.stringify({ bench: name, case: one, figure: metric, subject, median: median(numbers), ratio: ratio ?? null, samples: numbers })}\n`,
      );
    }
    rows.push([
      one,
      metric,
      subject,
      figure(median(numbers)),
      ratio === undefined || subject === base ? '' : `x${ratio.toFixed(2)}`,
      ratios.length === 0 || subject === base
        ? ''
        : `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`,
    ]);
  }
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  say(
    rows
      .map((row) =>
        row
          .map((cell, i) => (i < 3 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])))
          .join('  ')
          .trimEnd(),
      )
      .join('\n'),
  );
  for (const { what, case: one, figure: metric, subject, most } of targets.filter(({ most }) => most !== undefined)) {
    const got = median(samples.get(`${one}\t${metric}\t${subject}`) ?? [Number.NaN]);
    say(`${got <= most ? 'reached' : 'MISSED '}  ${what}: ${figure(got)}, target at most ${most}`);
  }
  for (const { what, case: one, figure: metric, subject, least, inverse = false, base: against = base } of targets) {
    const own = samples.get(`${one}\t${metric}\t${subject}`);
    const bases = samples.get(`${one}\t${metric}\t${against}`);
    if (least === undefined || own === undefined || bases === undefined) continue;
    // Less CPU is better, and what stands against a peer is measured the other way round.
    const turned = inverse || metric.startsWith('CPU');
    const got = median(own.map((value, round) => (turned ? bases[round] / value : value / bases[round])));
    say(`${got >= least ? 'reached' : 'MISSED '}  ${what}: x${got.toFixed(2)}, target x${least}`);
  }
}

/** The table is for people: with --json it goes where it does not mix with the records. */
function say(text) {
  (values.json ? process.stderr : process.stdout).write(`${text}\n\n`);
}

function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function figure(value) {
  return value >= 1000 ? Math.round(value).toLocaleString('en') : value.toPrecision(3);
}
