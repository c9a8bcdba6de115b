/**
 * What Linux writes into an IPv4 header that it is handed (raw(7), IP_HDRINCL): the total length and the checksum in any
 * case, the source and the identification where they are 0. Nothing of IPv6.
 */
import { checksum } from '../../wire/checksum.js';

/** IPv4 (RFC 791 section 3.1): where its fields are. */
const Field = { totalLength: 2, identification: 4, flags: 6, source: 12 } as const;
const HEADER = 20;
const DONT_FRAGMENT = 0x40;

/** The fields that would leave with other values than those in `bytes`, by their names; none as a rule. */
export function rewrittenFields(bytes: Uint8Array): string[] {
  const headerLength = ((bytes[0] as number) & 15) * 4;
  // Of a header that is too short for one the kernel changes nothing.
  if (bytes.length < HEADER || headerLength < HEADER || headerLength > bytes.length) return [];
  const word = (at: number) => ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
  const found: string[] = [];
  if (word(Field.totalLength) !== bytes.length) found.push('totalLength');
  const filledIn = word(Field.source) === 0 && word(Field.source + 2) === 0;
  if (filledIn) found.push('source');
  if (word(Field.identification) === 0 && ((bytes[Field.flags] as number) & DONT_FRAGMENT) === 0) {
    found.push('identification');
  }
  if (found.length === 0 && checksum(bytes, 0, headerLength) !== 0) found.push('checksum');
  return found;
}
