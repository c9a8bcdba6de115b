/** The C library's own conversions and the kernel's own addresses, called through koffi, as oracles. */
import { AddressFamily } from '../../src/sockaddr/struct.js';

const SOCK_DGRAM = 2;
const LENGTH_V4 = 4;
const LENGTH_V6 = 16;

export interface HostLibc {
  /** inet_pton(3): the bytes, or undefined where the library refuses the text. */
  pton(family: 'ipv4' | 'ipv6', text: string): Uint8Array | undefined;
  /** inet_ntop(3) */
  ntop(family: 'ipv4' | 'ipv6', bytes: Uint8Array): string;
  /** inet_aton(3) */
  aton(text: string): Uint8Array | undefined;
  /** bind(2) of a datagram socket, and what getsockname(2) then says; undefined where the kernel refuses it. */
  bound(family: number, address: Uint8Array): Uint8Array | undefined;
}

/** The C library, or why it can't be called here. */
export async function hostLibc(): Promise<HostLibc | string> {
  if (process.platform !== 'linux') return 'the numbers of address families are those of Linux';
  let library: import('koffi').LibraryHandle;
  try {
    library = (await import('koffi')).default.load(null);
  } catch (error) {
    return `koffi does not load: ${error instanceof Error ? error.message : String(error)}`;
  }
  const inetPton = library.func('int inet_pton(int af, const char *src, void *dst)');
  const inetNtop = library.func('const char *inet_ntop(int af, const void *src, void *dst, uint32_t size)');
  const inetAton = library.func('int inet_aton(const char *cp, void *inp)');
  const socket = library.func('int socket(int domain, int type, int protocol)');
  const bind = library.func('int bind(int fd, const void *addr, uint32_t addrlen)');
  const getsockname = library.func('int getsockname(int fd, void *addr, void *addrlen)');
  const close = library.func('int close(int fd)');
  const numbers = { ipv4: AddressFamily.AF_INET, ipv6: AddressFamily.AF_INET6 };
  const lengths = { ipv4: LENGTH_V4, ipv6: LENGTH_V6 };
  const out = new Uint8Array(LENGTH_V6);
  const text = new Uint8Array(64);
  return {
    pton: (family, source) =>
      inetPton(numbers[family], source, out) === 1 ? out.slice(0, lengths[family]) : undefined,
    ntop: (family, bytes) => inetNtop(numbers[family], bytes, text, text.length) as string,
    aton: (source) => (inetAton(source, out) === 1 ? out.slice(0, LENGTH_V4) : undefined),
    bound: (family, address) => {
      const fd = socket(family, SOCK_DGRAM, 0) as number;
      if (fd < 0) return undefined;
      try {
        const name = new Uint8Array(256);
        const length = new Uint32Array([name.length]);
        if (bind(fd, address, address.length) !== 0) return undefined;
        return getsockname(fd, name, new Uint8Array(length.buffer)) === 0 ? name.slice(0, length[0]) : undefined;
      } finally {
        close(fd);
      }
    },
  };
}
