/**
 * A name server for the hosts of a test, which answers on UDP port 53 of ADDRESS from ZONE, a JSON object: names to
 * `{ "PTR": [TARGET], "TXT": [TEXT], "A": [ADDRESS] }`. A name that is not there does not exist; one that is null gets
 * no answer. Each question is a line on stdout; the first line says that it is there.
 */
import { createSocket } from 'node:dgram';
import { encodeDns } from '../../../dist/src/wire/application/dns.js';
import { Cursor } from '../../../dist/src/wire/cursor.js';
import { readName } from '../../../dist/src/wire/dns-name.js';
import { Packet } from '../../../dist/src/wire/packet.js';

const [address = '127.0.0.1', zoneText = '{}'] = process.argv.slice(2);
const zone = new Map(Object.entries(JSON.parse(zoneText)));
const TYPES = { 1: 'A', 12: 'PTR', 16: 'TXT', 28: 'AAAA' };

const dataOf = {
  A: (text) => ({ address: text }),
  AAAA: (text) => ({ address: text }),
  PTR: (text) => ({ target: text }),
  TXT: (text) => ({ texts: text.match(/.{1,200}/gs) }),
};

function question(bytes) {
  const cursor = new Cursor(new Packet(bytes, bytes.length), 'dns', 12, bytes.length);
  const name = readName(cursor, 0)?.toLowerCase();
  return { name, type: TYPES[cursor.u16()] };
}

const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
socket.on('message', (bytes, { address: to, port }) => {
  const { name, type } = question(bytes);
  process.stdout.write(`${type} ${name}\n`);
  const known = zone.get(name);
  if (known === null || name === undefined || type === undefined) return;
  const answers = (known?.[type] ?? []).map((text) => ({ name, type, class: 'IN', ttl: 60, ...dataOf[type](text) }));
  const answer = encodeDns({
    id: bytes.readUInt16BE(0),
    response: true,
    opcode: 0,
    authoritative: true,
    truncated: false,
    recursionDesired: true,
    recursionAvailable: true,
    authenticData: false,
    checkingDisabled: false,
    responseCode: known === undefined ? 3 : 0,
    questions: [{ name, type, class: 'IN' }],
    answers,
    authorities: [],
    additionals: [],
  });
  socket.send(answer, port, to);
});
socket.bind(53, address, () => process.stdout.write('ready\n'));
