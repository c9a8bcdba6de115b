/** Bytes that no layer is: what is written as text, hex, files and fillers, and after it whatever follows. */
import { payloadBytes } from '../kinds/bytes.js';
import { field, joined, type LayerSpec } from './spec.js';

export const payload: LayerSpec = {
  protocol: 'payload',
  names: ['payload', 'raw', 'data'],
  fields: { data: field(payloadBytes) },
  positional: 'data',
  encode: ({ data = new Uint8Array(0) }: { readonly data?: Uint8Array }, inner) => joined(data, inner),
};
