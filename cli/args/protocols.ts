/** The protocols of `raw sniff --protocol`: names of protocols(5) for raw sockets, or numbers. */
import { InvalidArgumentError } from 'commander';
import { clip } from '../../src/errors.js';
import type { SniffProtocol } from '../../src/raw/sniff.js';

const NAMES: Readonly<Record<string, readonly SniffProtocol[]>> = {
  icmp: [{ family: 'ipv4', protocol: 1 }],
  icmp6: [{ family: 'ipv6', protocol: 58 }],
  igmp: [{ family: 'ipv4', protocol: 2 }],
  tcp: [
    { family: 'ipv4', protocol: 6 },
    { family: 'ipv6', protocol: 6 },
  ],
  udp: [
    { family: 'ipv4', protocol: 17 },
    { family: 'ipv6', protocol: 17 },
  ],
};

/** Reads one protocol and adds it to the earlier ones. */
export function collectProtocols(text: string, earlier: readonly SniffProtocol[] | undefined): SniffProtocol[] {
  return [...(earlier ?? []), ...readProtocol(text)];
}

function readProtocol(text: string): readonly SniffProtocol[] {
  const named = NAMES[text.toLowerCase()];
  if (named !== undefined) return named;
  const number = /^\d{1,3}$/.test(text) ? Number(text) : 256;
  if (number > 255 || number === 0) {
    throw new InvalidArgumentError(`'${clip(text)}' is not icmp, icmp6, igmp, tcp, udp or a number from 1 to 255.`);
  }
  return [
    { family: 'ipv4', protocol: number },
    { family: 'ipv6', protocol: number },
  ];
}
