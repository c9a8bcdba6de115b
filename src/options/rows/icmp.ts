/** The type filters of raw ICMP sockets: raw(7), RFC 3542 section 3.2. */
import { level, RAW } from '../row.js';
import { mask } from '../types/number.js';
import { bytes } from '../types/text.js';

export const ICMP_ROWS = [
  ...level('SOL_RAW', 'raw(7)', [
    ['ICMP_FILTER', 1, mask, RAW, 'any', 'Bits of the ICMP types (0 to 31) not to be received.', { protocol: 1 }],
  ]),
  ...level('IPPROTO_ICMPV6', 'RFC 3542', [
    ['ICMP6_FILTER', 1, bytes(32), RAW, 'any', 'Bits of the ICMPv6 types not to be received.', { protocol: 58 }],
  ]),
];
