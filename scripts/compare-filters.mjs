/**
 * node scripts/compare-filters.mjs [--generate N] [--seed N] [--types NAME,…] [FILE|FOLDER…]: filters of sockctl beside
 * those of tcpdump's libpcap. What one of them refuses must be refused by the other; what both compile must let the same
 * packets pass.
 *
 * Without --generate: the expressions of test/capture/filter/expressions.txt, for each link type on generated packets, and
 * on the captures that are named. With it: N expressions made by the grammar for each link type. Lengths of the programs
 * are added up. Each difference is a line, and the exit code is 1 when there is one. Needs `npm run build`.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import {
  compileFilter,
  compileProgram,
  FilterError,
  openFileSource,
  parseListing,
  runProgram,
} from '../dist/capture/index.js';
import { linkTypeNumber } from '../dist/src/wire/link-types.js';
import { generateExpression, generatePacket } from './filters/generate.mjs';
import { random } from './fuzz/mutate.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    generate: { type: 'string' },
    seed: { type: 'string', default: String(Date.now() % 0x7fff_ffff) },
    types: { type: 'string', default: 'EN10MB,RAW,LINUX_SLL,LINUX_SLL2,PPP,IEEE802_11,IEEE802_11_RADIO' },
  },
});
const LIST = fileURLToPath(new URL('../test/capture/filter/expressions.txt', import.meta.url));
const PACKETS = 300;

/** Where sockctl means something else, and why; newer versions of libpcap do as sockctl does for most. */
const KNOWN = [
  [/\bbyte\b.*[&|]/, 'libpcap 1.10 forgets to load the byte'],
  [/\bdecnet\b/, 'libpcap 1.10 takes areas, nodes and networks that there are none of'],
  [/\bportrange \S+-\d+\D*-/, 'libpcap 1.10 reads what it can of the second port, and no further'],
  [/\bgateway\b/, 'libpcap 1.10 can be built without it, as Debian does'],
  [/& 0xffffffff\b/, 'libpcap takes a test whether any of all bits is set for one that always holds'],
  [/\bvxlan\b/, 'libpcap 1.10 does not know it'],
  [/\bprotochain\b/, 'libpcap loses its place behind an authentication header'],
];
/**
 * Of divisors and shifts libpcap takes the first constant for the whole, and does not see a 0 that comes of a difference on
 * some links: so one refuses what the other takes. Not the length of a prefix.
 */
const DIVIDES = /(<<|>>|%|[\])\s]\/)[-( ]*[a-z0-9]/;
/** libpcap 1.10 looks for no tags in cooked captures, where it puts them itself. */
const COOKED_TAGS = [/^LINUX_SLL/, /\bvlan\b/];
const WIRELESS = /^IEEE802_11|^PRISM|^PPI$/;
/** What sockctl says of a contradiction, and the program of one. */
const IMPOSSIBLE = /no packet of a link of type \S+ can pass it$/;
const NOTHING = parseListing('1\n6 0 0 0');
/** libpcap does not optimise programs for these, so it loads fields that nobody asks for, beyond the end of short packets. */
const UNOPTIMISED = /\bgeneve\b|\bprotochain\b/;

const { below } = random(Number(values.seed));
let [compared, refused, known, differences, theirLength, ownLength, passed] = [0, 0, 0, 0, 0, 0, 0];

const whyKnown = (expression) => KNOWN.find(([pattern]) => pattern.test(expression))?.[1];

function difference(...text) {
  differences++;
  process.stdout.write(`${text.join(' | ')}\n`);
}

/** @returns the program, or the text of the refusal */
function theirs(args, expression) {
  const { status, stdout, stderr } = spawnSync('tcpdump', [...args, '-ddd', '--', expression], { encoding: 'utf8' });
  if (status === 0) return parseListing(stdout.trim());
  return (stderr.trim().split('\n').at(-1) ?? '').replace(/^tcpdump: /, '');
}

function own(expression, options) {
  try {
    return compileFilter(expression, options);
  } catch (error) {
    if (error instanceof FilterError) return error.message;
    throw new Error(`${expression}: ${error.stack}`);
  }
}

/** @returns both programs where both compile */
function compile(where, args, expression, options) {
  const [their, mine] = [theirs(args, expression), own(expression, options)];
  if (typeof their === 'string' || typeof mine === 'string') {
    if (typeof their === typeof mine) refused++;
    // More contradictions are found here than there: what is generated has them, and theirs must let nothing pass then.
    else if (values.generate !== undefined && IMPOSSIBLE.test(mine)) return [their, NOTHING];
    else if (whyKnown(expression) !== undefined || DIVIDES.test(expression)) known++;
    else if (COOKED_TAGS[0].test(where) && COOKED_TAGS[1].test(expression)) known++;
    else
      difference(
        where,
        expression,
        typeof their === 'string' ? `refused: ${their}` : 'taken',
        typeof mine === 'string' ? mine : 'taken',
      );
    return undefined;
  }
  compared++;
  theirLength += their.length;
  ownLength += mine.length;
  return [their, mine];
}

function comparePackets(where, expression, [their, mine], packets, mayBeCut) {
  const run = compileProgram(mine);
  const loose = !mayBeCut || UNOPTIMISED.test(expression);
  // The words that libpcap keeps the places of headers in are those that its arithmetic writes over.
  const overwritten = WIRELESS.test(where) || UNOPTIMISED.test(expression);
  const isKnown = whyKnown(expression) !== undefined || (overwritten && /[=<>]/.test(expression));
  const generated = values.generate !== undefined;
  for (const { bytes, length } of packets) {
    const a = runProgram(their, bytes, length) !== 0;
    const b = runProgram(mine, bytes, length) !== 0;
    if (b) passed++;
    if ((run(bytes, 0, bytes.length, length) !== 0) !== b)
      difference(where, expression, 'the JavaScript function differs from the interpreter');
    if (a === b) continue;
    // Contradictions among what is generated are found here and not there, where their loads still end the program.
    const loadsLess = generated && b;
    if (isKnown || ((loose || loadsLess) && differsOnlyCut(their, mine, bytes))) {
      known++;
      continue;
    }
    difference(where, expression, `tcpdump ${a}, sockctl ${b}`, Buffer.from(bytes).toString('hex'));
    return;
  }
}

/** Whether the programs agree as soon as nothing lies beyond the packet's end. */
function differsOnlyCut(their, mine, bytes) {
  const padded = new Uint8Array(bytes.length + 4096);
  padded.set(bytes);
  return (runProgram(their, padded) !== 0) === (runProgram(mine, padded) !== 0);
}

/** Captures with one link type; what libpcap cuts off at the file's snapshot length is cut off here too. */
async function readCapture(path) {
  const source = await openFileSource(path);
  const packets = [];
  try {
    for await (const batch of source.packets()) {
      for (const { bytes, originalLength, interface: from } of batch) {
        const most = from.snapshotLength > 0 ? from.snapshotLength : bytes.length;
        packets.push({ bytes: Uint8Array.from(bytes.subarray(0, most)), length: originalLength });
      }
    }
  } catch {
    // What stands before the fault is compared.
  }
  const { interfaces } = source;
  await source.close();
  return {
    packets,
    linkType: interfaces[0]?.linkType,
    byteOrder: interfaces[0]?.byteOrder,
    several: interfaces.length > 1,
  };
}

const expressions =
  values.generate === undefined
    ? readFileSync(LIST, 'utf8')
        .split('\n')
        .filter((line) => line !== '' && !line.startsWith('#'))
    : undefined;

for (const type of values.types.split(',')) {
  const linkType = linkTypeNumber(type);
  if (linkType === undefined) throw new Error(`no link type ${type}`);
  const wireless = WIRELESS.test(type);
  const packets = Array.from({ length: PACKETS }, () => {
    const bytes = generatePacket(below, linkType);
    return { bytes, length: bytes.length };
  });
  // Behind radio headers libpcap finds no tunnels.
  const options = { tunnels: !wireless };
  const all = expressions ?? Array.from({ length: Number(values.generate) }, () => generateExpression(below, options));
  for (const expression of all) {
    if (wireless && /\b(geneve|pppoes)\b/.test(expression)) continue;
    // Without a file tcpdump compiles for the kernel, which knows that of all packets.
    if (/\b(inbound|outbound|ifindex)\b/.test(expression)) continue;
    const both = compile(type, ['-y', type], expression, { linkType });
    if (both !== undefined) comparePackets(type, expression, both, packets, !wireless);
  }
}

const files = positionals.flatMap((path) =>
  statSync(path).isDirectory()
    ? readdirSync(path)
        .filter((name) => /\.pcap(ng)?$/.test(name))
        .map((name) => join(path, name))
    : [path],
);
for (const path of expressions === undefined ? [] : files) {
  const { packets, linkType, byteOrder, several } = await readCapture(path);
  if (linkType === undefined || several) {
    process.stdout.write(`${path}: left out, tcpdump reads files with one link type\n`);
    continue;
  }
  for (const expression of expressions) {
    const both = compile(path, ['-r', path], expression, { linkType, byteOrder });
    if (both !== undefined) comparePackets(path, expression, both, packets, true);
  }
}

process.stdout.write(
  `${compared} programs compared, ${refused} expressions refused by both, ${passed} packets passed; ` +
    `instructions: tcpdump ${theirLength}, sockctl ${ownLength}; known differences: ${known}; differences: ${differences}; seed ${values.seed}\n`,
);
process.exitCode = differences === 0 ? 0 : 1;
