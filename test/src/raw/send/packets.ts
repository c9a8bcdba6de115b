/** Packets of expressions, for tests. */
import type { BuiltPacket } from '../../../../src/raw/send/built-packet.js';
import { type PacketExpression, parsePacket } from '../../../../src/raw/send/expression.js';
import { parseIP } from '../../../../src/sockaddr/ip.js';

export function expression(text: string): PacketExpression {
  const file = () => {
    throw new Error('no files here');
  };
  return parsePacket(text, { file, seed: 1 });
}

/** The first packet of an expression; its identification is `identification`, where it is not written. */
export function packetOf(text: string, identification = 7): BuiltPacket {
  return expression(text).at(0, {
    sourceFor: (destination) => parseIP(destination.family === 'ipv4' ? '192.0.2.1' : '2001:db8::1'),
    nextIdentification: () => identification,
    nextEcho: () => ({ identifier: 0, sequence: 0 }),
  });
}
