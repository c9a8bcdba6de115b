/** `raw send --layers`: what can be written. */
import { clip, ExitCode, UsageError } from '../../src/errors.js';
import { describeBytes, describeLayers, type LayerDescription } from '../../src/raw/send/expression.js';
import type { CommandContext } from '../context.js';
import { recordHead } from '../render/record.js';

/** @param name of one of them, in any of its spellings, with all that is to be said of it */
export async function showLayers(
  name: string | undefined,
  { json, output, summary }: CommandContext,
): Promise<ExitCode> {
  const all = describeLayers();
  const chosen = name === undefined ? all : all.filter((layer) => isCalled(layer, name));
  if (chosen.length === 0) {
    throw new UsageError(
      `--layers ${clip(name ?? '')}: no layer is called so`,
      'see them all with: sockctl raw send --layers',
    );
  }
  if (json) {
    for (const layer of chosen) await output.record({ ...recordHead('send.layer'), ...layer });
    summary({ ...recordHead('summary'), layers: chosen.length, endReason: 'count' });
    return ExitCode.ok;
  }
  await output.write(name === undefined ? list(chosen) : chosen.map(detail).join('\n'));
  return ExitCode.ok;
}

function isCalled({ protocol, names }: LayerDescription, name: string): boolean {
  const wanted = name.toLowerCase();
  return protocol === wanted || names.includes(wanted);
}

/** A line a layer: its names, and its fields; then what stands for bytes. */
function list(layers: readonly LayerDescription[]): string {
  const rows: (readonly [string, string])[] = [
    ...layers.map(({ names, fields }) => [names.join(', '), fields.map(({ name }) => name).join(' ')] as const),
    ...Object.entries(describeBytes()),
  ];
  const width = Math.max(...rows.map(([written]) => written.length));
  return rows.map(([written, means]) => `${written.padEnd(width)}  ${means}\n`).join('');
}

/** A line a field: its names, what it may be, and what it is unless given. */
function detail({ protocol, names, fields }: LayerDescription): string {
  const rows = fields.map(({ name, aliases, value, unlessGiven }) => ({
    written: [name, ...aliases].join(', '),
    means: unlessGiven === undefined ? value : `${value}; unless given: ${unlessGiven}`,
  }));
  const width = Math.max(0, ...rows.map(({ written }) => written.length));
  const lines = rows.map(({ written, means }) => `${written.padEnd(width)}  ${means}`);
  const others = names.includes(protocol) ? names.filter((name) => name !== protocol) : names;
  return [
    `${protocol}${others.length > 0 ? ` (${others.join(', ')})` : ''}`,
    ...lines.map((line) => `  ${line}`),
    '',
  ].join('\n');
}
