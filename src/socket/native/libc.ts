/**
 * The C library through koffi: the one file that knows koffi, and the one list of the system calls in use.
 *
 * Every function has the name, the arguments and the result of its manual page (section 2); a result of -1 leaves the
 * reason in {@link Libc.errno}. Byte arguments may be a Uint8Array, for calls that are over when they return, or the
 * address of memory outside the JavaScript heap (see memory.ts) for what the kernel keeps.
 */
import { endianness } from 'node:os';
import { SockctlError } from '../../errors.js';

/** Memory as a call takes it: bytes that live as long as the call, or an address. */
export type Memory = Uint8Array | bigint | null;

/** One watch of a descriptor in Node's event loop (uv_poll_t). */
export interface PollWatch {
  /** `status` is negative when the descriptor has an error pending; libuv has then stopped the watch. */
  start(interest: { readable: boolean; writable: boolean }, callback: (status: number, ready: PollReady) => void): void;
  stop(): void;
  close(): void;
  /** Whether the loop runs on for it, which it does unless told otherwise. */
  ref(): void;
  unref(): void;
}

export interface PollReady {
  readonly readable: boolean;
  readonly writable: boolean;
}

export interface Libc {
  socket(domain: number, type: number, protocol: number): number;
  bind(fd: number, address: Memory, length: number): number;
  listen(fd: number, backlog: number): number;
  accept4(fd: number, address: Memory, length: Memory, flags: number): number;
  connect(fd: number, address: Memory, length: number): number;
  getsockname(fd: number, address: Memory, length: Memory): number;
  getpeername(fd: number, address: Memory, length: Memory): number;
  setsockopt(fd: number, level: number, name: number, value: Memory, length: number): number;
  getsockopt(fd: number, level: number, name: number, value: Memory, length: Memory): number;
  recv(fd: number, buffer: Memory, length: number, flags: number): number;
  send(fd: number, buffer: Memory, length: number, flags: number): number;
  sendfile(out: number, file: number, offset: Memory, count: number): number;
  splice(from: number, fromOffset: null, to: number, toOffset: null, length: number, flags: number): number;
  shutdown(fd: number, how: number): number;
  recvmmsg(fd: number, messages: Memory, count: number, flags: number, timeout: null): number;
  sendmmsg(fd: number, messages: Memory, count: number, flags: number): number;
  /** The same in a thread of libuv's pool: resolves to its result. The reason of a failure can't be had. */
  sendmmsgInThread(fd: number, messages: bigint, count: number, flags: number): Promise<number>;
  recvmsg(fd: number, message: Memory, flags: number): number;
  fcntl(fd: number, command: number, argument: number): number;
  ioctl(fd: number, request: number, argument: Memory): number;
  close(fd: number): number;
  lseek(fd: number, offset: number, whence: number): number;
  munmap(address: bigint, length: number): number;
  mmap(address: bigint | null, length: number, protection: number, flags: number, fd: number, offset: number): bigint;
  mlock(address: bigint, length: number): number;
  munlock(address: bigint, length: number): number;
  clock_gettime(clock: number, time: Memory): number;
  timerfd_create(clock: number, flags: number): number;
  /** Ends the process as it is: no thread is waited for. */
  _exit(status: number): void;
  timerfd_settime(fd: number, flags: number, value: Memory, old: null): number;
  /** The reason of the last call that failed, as a positive number. */
  errno(): number;
  /** The name of an errno: 111 is ECONNREFUSED. */
  errnoName(errno: number): string;
  /** A window on `length` bytes at `address`; the caller sees to it that they stay mapped. */
  view(address: bigint, length: number): ArrayBuffer;
  /** Watches `fd` in the event loop. The caller must keep the result: a collected watch ends silently. */
  poll(
    fd: number,
    interest: { readable: boolean; writable: boolean },
    callback: (status: number, ready: PollReady) => void,
  ): PollWatch;
}

/** Constants of the system headers, for the architectures of {@link nativeObstacle}. */
export const C = {
  SOCK_STREAM: 1,
  SOCK_DGRAM: 2,
  SOCK_RAW: 3,
  SOCK_NONBLOCK: 0o4000,
  SOCK_CLOEXEC: 0o2000000,
  MSG_PEEK: 0x2,
  /** linux/socket.h: everything is done but the sending. */
  MSG_PROBE: 0x10,
  MSG_TRUNC: 0x20,
  MSG_DONTWAIT: 0x40,
  MSG_CTRUNC: 0x8,
  MSG_ERRQUEUE: 0x2000,
  MSG_NOSIGNAL: 0x4000,
  MSG_ZEROCOPY: 0x4000000,
  SHUT_WR: 1,
  F_DUPFD_CLOEXEC: 1030,
  F_SETPIPE_SZ: 1031,
  SPLICE_F_MOVE: 1,
  SPLICE_F_NONBLOCK: 2,
  PROT_READ: 1,
  PROT_WRITE: 2,
  SEEK_SET: 0,
  SEEK_CUR: 1,
  MAP_SHARED: 1,
  MAP_PRIVATE: 2,
  MAP_FIXED: 0x10,
  MAP_POPULATE: 0x8000,
  MAP_ANONYMOUS: 0x20,
  SIOCSHWTSTAMP: 0x89b0,
  CLOCK_REALTIME: 0,
  CLOCK_MONOTONIC: 1,
  TFD_NONBLOCK: 0o4000,
  TFD_CLOEXEC: 0o2000000,
} as const;

/** 64-bit little-endian systems whose headers agree with {@link C} and with the layouts in layout.ts. */
const ARCHITECTURES = ['x64', 'arm64', 'riscv64', 'loong64'];

/** Why system calls can't be had here, or undefined where nothing is known to stand in the way. */
export function nativeObstacle(): string | undefined {
  if (process.platform !== 'linux') return `system calls are used on Linux only, this is ${process.platform}`;
  if (!ARCHITECTURES.includes(process.arch) || endianness() !== 'LE') return `no layouts for ${process.arch}`;
  return undefined;
}

let loading: Promise<Libc> | undefined;

/**
 * The C library, loaded once.
 *
 * @throws SockctlError BACKEND_MISSING where koffi or the platform stands in the way
 */
export function loadLibc(): Promise<Libc> {
  loading ??= load();
  return loading;
}

async function load(): Promise<Libc> {
  const obstacle = nativeObstacle();
  if (obstacle !== undefined) {
    throw new SockctlError('BACKEND_MISSING', {
      what: `native backend: ${obstacle}`,
      advice: 'use --backend portable',
    });
  }
  try {
    const { default: koffi } = await import('koffi');
    const library = koffi.load(null);
    const names = new Map<number, string>();
    for (const [name, number] of Object.entries(koffi.os.errno)) {
      // EAGAIN and EWOULDBLOCK share a number, as do EOPNOTSUPP and ENOTSUP; the manual pages use the first of each.
      if (!names.has(number) || name === 'EAGAIN' || name === 'EOPNOTSUPP') names.set(number, name);
    }
    // fcntl(2) and ioctl(2) are variadic in C, so their argument is passed with its type.
    const fcntl = library.func('int fcntl(int fd, int command, ...)');
    const ioctl = library.func('int ioctl(int fd, unsigned long request, ...)');
    const sendmmsg = library.func('int sendmmsg(int fd, void *messages, unsigned int count, int flags)');
    // Where errno(3) is, of this thread: between a call and another one that would ask for it, memory may be collected,
    // and what that asks of the system can fail too.
    const errnoAt: unknown = library.func('void *__errno_location()')();
    const errno = new Int32Array(koffi.view(errnoAt, 4));
    return {
      socket: library.func('int socket(int domain, int type, int protocol)'),
      bind: library.func('int bind(int fd, const void *address, uint32_t length)'),
      listen: library.func('int listen(int fd, int backlog)'),
      accept4: library.func('int accept4(int fd, void *address, void *length, int flags)'),
      connect: library.func('int connect(int fd, const void *address, uint32_t length)'),
      getsockname: library.func('int getsockname(int fd, void *address, void *length)'),
      getpeername: library.func('int getpeername(int fd, void *address, void *length)'),
      setsockopt: library.func('int setsockopt(int fd, int level, int name, const void *value, uint32_t length)'),
      getsockopt: library.func('int getsockopt(int fd, int level, int name, void *value, void *length)'),
      recv: library.func('intptr_t recv(int fd, void *buffer, size_t length, int flags)'),
      send: library.func('intptr_t send(int fd, const void *buffer, size_t length, int flags)'),
      sendfile: library.func('intptr_t sendfile(int out, int file, void *offset, size_t count)'),
      splice: library.func(
        'intptr_t splice(int from, void *from_offset, int to, void *to_offset, size_t length, unsigned int flags)',
      ),
      shutdown: library.func('int shutdown(int fd, int how)'),
      recvmmsg: library.func('int recvmmsg(int fd, void *messages, unsigned int count, int flags, void *timeout)'),
      sendmmsg,
      sendmmsgInThread: (fd, messages, count, flags) =>
        new Promise((resolve, reject) => {
          sendmmsg.async(fd, messages, count, flags, (error: unknown, result: number) => {
            if (error === null || error === undefined) resolve(result);
            else reject(error);
          });
        }),
      recvmsg: library.func('intptr_t recvmsg(int fd, void *message, int flags)'),
      fcntl: (fd, command, argument) => fcntl(fd, command, 'int', argument),
      ioctl: (fd, request, argument) => ioctl(fd, request, 'void *', argument),
      close: library.func('int close(int fd)'),
      lseek: library.func('int64_t lseek(int fd, int64_t offset, int whence)'),
      munmap: library.func('int munmap(void *address, size_t length)'),
      mmap: library.func('void *mmap(void *address, size_t length, int protection, int flags, int fd, int64_t offset)'),
      mlock: library.func('int mlock(const void *address, size_t length)'),
      munlock: library.func('int munlock(const void *address, size_t length)'),
      clock_gettime: library.func('int clock_gettime(int clock, void *time)'),
      timerfd_create: library.func('int timerfd_create(int clock, int flags)'),
      timerfd_settime: library.func('int timerfd_settime(int fd, int flags, const void *value, void *old)'),
      _exit: library.func('void _exit(int status)'),
      errno: () => errno[0] ?? 0,
      errnoName: (number) => names.get(number) ?? `ERRNO_${number}`,
      view: (address, length) => koffi.view(address, length),
      // koffi declares one argument for the callback; it is called with uv_poll_cb's status before it.
      poll: koffi.node.poll as unknown as Libc['poll'],
    };
  } catch (cause) {
    throw new SockctlError('BACKEND_MISSING', {
      what: `native backend: koffi does not load: ${cause instanceof Error ? cause.message : String(cause)}`,
      advice: 'run npm install, or use --backend portable',
      cause,
    });
  }
}
