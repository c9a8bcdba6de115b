/** The types of `raw sniff --icmp-type`: names that both versions of ICMP share, each with its numbers, or numbers. */
import { clip, UsageError } from '../../src/errors.js';
import { ICMP_TYPE_NAMES, type IcmpTypes } from '../../src/wire/icmp-types.js';

/**
 * The types of both families, together.
 *
 * @throws UsageError for what is neither a name nor a number
 */
export function readIcmpTypes(words: readonly string[]): IcmpTypes {
  const ipv4 = new Set<number>();
  const ipv6 = new Set<number>();
  for (const word of words) {
    const types = readType(word);
    for (const type of types.ipv4) ipv4.add(type);
    for (const type of types.ipv6) ipv6.add(type);
  }
  return { ipv4: [...ipv4], ipv6: [...ipv6] };
}

function readType(text: string): IcmpTypes {
  const name = text.toLowerCase();
  const named = Object.hasOwn(ICMP_TYPE_NAMES, name) ? ICMP_TYPE_NAMES[name] : undefined;
  if (named !== undefined) return named;
  const number = /^\d{1,3}$/.test(name) ? Number(name) : 256;
  if (number <= 255) return { ipv4: [number], ipv6: [number] };
  throw new UsageError(
    `--icmp-type: '${clip(text)}' is neither a number from 0 to 255 nor a type`,
    `the types are ${Object.keys(ICMP_TYPE_NAMES).join(', ')}`,
  );
}
