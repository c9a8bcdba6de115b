/** The layers of an expression, each with the values that its fields have. */
import { clip } from '../../errors.js';
import { makesBytes, payloadBytes } from './kinds/bytes.js';
import { readFields } from './kinds/fields.js';
import { type Reading, readValues } from './kinds/kind.js';
import { payload } from './layers/payload.js';
import type { LayerSpec } from './layers/spec.js';
import { findLayer, LAYER_NAMES } from './layers/table.js';
import { nearest } from './nearest.js';
import { type LayerNode, parseSyntax } from './syntax.js';
import { mapped, type Values } from './values.js';

export interface LayerValues {
  readonly spec: LayerSpec;
  readonly values: Values<Readonly<Record<string, unknown>>>;
  /** The layer's name in the expression. */
  readonly span: { readonly start: number; readonly end: number };
  /** The fields that are written, by their full names. */
  readonly names: readonly string[];
  /** The values of each of them alone. */
  readonly parts: readonly Values<unknown>[];
}

/** @throws PacketExpressionError */
export function readLayers(text: string, reading: Reading): readonly LayerValues[] {
  return parseSyntax(text).map((node) => readLayer(node, reading));
}

function readLayer(node: LayerNode, reading: Reading): LayerValues {
  if (node.type === 'bytes' || makesBytes(node.name)) {
    const values = mapped(readValues(payloadBytes, node, reading), (data) => ({ data }));
    return { spec: payload, values, span: node.span, names: [], parts: [] };
  }
  const spec = findLayer(node.name);
  if (spec === undefined) {
    const near = nearest(node.name, LAYER_NAMES);
    const advice = near.length > 0 ? `did you mean ${near.join(' or ')}?` : `layers are ${LAYER_NAMES.join(', ')}`;
    throw reading.fault(node.nameSpan, `no layer is called ${clip(node.name, 30)}`, advice);
  }
  const owner = spec.names[0] as string;
  const { names, values, parts } = readFields(spec, node.entries, owner, reading);
  return { spec, values, span: node.nameSpan, names, parts };
}
