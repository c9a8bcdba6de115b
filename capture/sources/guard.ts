/** Filters of live captures with something that is asked of every packet before them. */
import type { Direction } from '../record.js';

/** The word of pcap-filter(7) for a direction. */
export function directionWord(direction: Direction): string {
  return direction === 'in' ? 'inbound' : 'outbound';
}

/** The packets of `filter` that pass `guard` too; without a guard, all of them. */
export function guarded(filter: string, guard: string | undefined): string {
  if (guard === undefined) return filter;
  return filter.trim() === '' ? guard : `${guard} and (${filter})`;
}
