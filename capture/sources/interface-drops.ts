/** What an interface itself has dropped, as the system shows it. */
import { readFileSync } from 'node:fs';

/** Of linux/if_link.h; what pcap_stats(3PCAP) counts. */
const COUNTERS = ['rx_missed_errors', 'rx_fifo_errors'];

/** What the interface has dropped so far; null where the system does not say. */
export function interfaceDrops(device: string): number | null {
  let sum = 0;
  for (const counter of COUNTERS) {
    const count = systemNumber(device, `statistics/${counter}`);
    if (count === undefined) return null;
    sum += count;
  }
  return sum;
}

/** A number that /sys has of an interface; undefined where it has none. */
export function systemNumber(device: string, fact: string): number | undefined {
  try {
    return Number(readFileSync(`/sys/class/net/${device}/${fact}`, 'latin1'));
  } catch {
    return undefined;
  }
}
