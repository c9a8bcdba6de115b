/** TCP in a line, in the words of tcpdump(1), with absolute sequence numbers as its -S. */
import type { TcpFlag, TcpMessage } from './tcp.js';
import { TCP_OPTION_NAMES, type TcpOption } from './tcp-options.js';

const FLAG_LETTERS: Readonly<Record<TcpFlag, string>> = {
  FIN: 'F',
  SYN: 'S',
  RST: 'R',
  PSH: 'P',
  ACK: '.',
  URG: 'U',
  ECE: 'E',
  CWR: 'W',
  AE: 'e',
};

/** `S.` for SYN and ACK; `none` for none. */
export function tcpFlagLetters(flags: readonly TcpFlag[]): string {
  let letters = '';
  for (const flag of flags) letters += FLAG_LETTERS[flag];
  return letters === '' ? 'none' : letters;
}

/** @param verbose says what the checksum is, also where it is right */
export function tcpText(tcp: TcpMessage, verbose = false): string {
  let opening = false;
  let acknowledges = false;
  let urgent = false;
  for (const flag of tcp.flags) {
    if (flag === 'SYN' || flag === 'FIN' || flag === 'RST') opening = true;
    if (flag === 'ACK') acknowledges = true;
    if (flag === 'URG') urgent = true;
  }
  const { sequence, payloadLength } = tcp;
  let text = `Flags [${tcpFlagLetters(tcp.flags)}]`;
  if (verbose && tcp.checksumValid !== null) {
    text += `, cksum 0x${tcp.checksum.toString(16).padStart(4, '0')} (${tcp.checksumValid ? 'correct' : 'incorrect'})`;
  }
  if (payloadLength > 0) text += `, seq ${sequence}:${(sequence + payloadLength) % 0x1_0000_0000}`;
  else if (opening) text += `, seq ${sequence}`;
  if (acknowledges) text += `, ack ${tcp.acknowledgment}`;
  text += `, win ${tcp.window}`;
  if (urgent) text += `, urg ${tcp.urgent}`;
  if (tcp.options.length > 0) text += `, options [${tcp.options.map(optionText).join(',')}]`;
  if (tcp.checksumValid === false && !verbose) text += ', wrong checksum';
  return `${text}, length ${payloadLength}`;
}

function optionText(option: TcpOption): string {
  switch (option.kind) {
    case 'end':
      return 'eol';
    case 'nop':
      return 'nop';
    case 'mss':
      return `mss ${option.value}`;
    case 'windowScale':
      return `wscale ${option.shift}`;
    case 'sackPermitted':
      return 'sackOK';
    case 'sack':
      return `sack ${option.blocks.length} ${option.blocks.map(({ left, right }) => `{${left}:${right}}`).join('')}`;
    case 'timestamps':
      return `TS val ${option.value} ecr ${option.echo}`;
    case 'fastOpen':
      return option.cookie === '' ? 'tfo cookiereq' : `tfo cookie ${option.cookie}`;
    case 'mptcp':
      return `mptcp ${MPTCP_SUBTYPES[option.subtype] ?? option.subtype}`;
    case 'md5':
      return 'md5';
    case 'authentication':
      return `tcp-ao keyid ${option.keyId} rnextkeyid ${option.nextKeyId} mac 0x${option.mac}`;
    case 'userTimeout':
      return `uto ${option.timeout}s`;
    case 'unknown':
      return `${TCP_OPTION_NAMES[option.number] ?? `unknown-${option.number}`}${option.data === '' ? '' : ` 0x${option.data}`}`;
  }
}

/** RFC 8684 section 8. */
const MPTCP_SUBTYPES = ['capable', 'join', 'dss', 'add-addr', 'rem-addr', 'prio', 'fail', 'fast-close', 'rst'];
