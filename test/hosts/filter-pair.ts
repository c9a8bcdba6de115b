/** The kernel's own run of a BPF program: a pair of unix sockets, one with the program attached (socket(7)). */
import { encodeProgram, type Program } from '../../capture/filter/program/instruction.js';

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOL_SOCKET = 1;
const SO_ATTACH_FILTER = 26;
const MSG_DONTWAIT = 0x40;
const MSG_TRUNC = 0x20;

export interface FilterPair {
  /** Whether the kernel takes the program. */
  attach(program: Program): boolean;
  /** Bytes of `packet` that the program lets through; undefined for none of it. Shortest it leaves one byte. */
  run(packet: Uint8Array): number | undefined;
  close(): void;
}

/** The pair, or why there is none. */
export async function createFilterPair(): Promise<FilterPair | string> {
  if (process.platform !== 'linux') return 'SO_ATTACH_FILTER is of Linux';
  let koffi: typeof import('koffi').default;
  try {
    koffi = (await import('koffi')).default;
  } catch (error) {
    return `koffi does not load: ${error instanceof Error ? error.message : String(error)}`;
  }
  const library = koffi.load(null);
  const fprog = koffi.struct({ length: 'uint16_t', filter: 'void *' });
  const socketpair = library.func('int socketpair(int domain, int type, int protocol, void *pair)');
  const setsockopt = library.func('setsockopt', 'int', ['int', 'int', 'int', koffi.pointer(fprog), 'uint32_t']);
  const send = library.func('intptr_t send(int fd, const void *buffer, size_t length, int flags)');
  const recv = library.func('intptr_t recv(int fd, void *buffer, size_t length, int flags)');
  const close = library.func('int close(int fd)');
  const pair = new Int32Array(2);
  if (socketpair(AF_UNIX, SOCK_DGRAM, 0, new Uint8Array(pair.buffer)) !== 0) return 'socketpair(2) does not work here';
  const [from, to] = pair as unknown as [number, number];
  const buffer = new Uint8Array(65_536);
  return {
    attach: (program) => {
      const filter = encodeProgram(program);
      const value = { length: program.length, filter };
      return setsockopt(to, SOL_SOCKET, SO_ATTACH_FILTER, value, koffi.sizeof(fprog)) === 0;
    },
    run: (packet) => {
      if (send(from, packet, packet.length, MSG_DONTWAIT) !== packet.length) throw new Error('send(2) has failed');
      const length = recv(to, buffer, buffer.length, MSG_DONTWAIT | MSG_TRUNC) as number;
      return length < 0 ? undefined : length;
    },
    close: () => {
      for (const fd of pair) close(fd);
    },
  };
}
