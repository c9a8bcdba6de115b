/**
 * Every error that sockctl raises on purpose, and the one table that gives each code its message, its advice and
 * its exit code. Imports nothing, so that every layer may use it.
 *
 * The README prints this table; a test fails when the two disagree.
 */

/** The exit codes of the command line, by name. */
export const ExitCode = {
  /** Done. */
  ok: 0,
  /** The operation failed, or nothing answered. */
  failed: 1,
  /** Wrong usage: an address, option or filter that can't be read. */
  usage: 2,
  /** Not permitted; the message says what would permit it. */
  notPermitted: 3,
  /** A host name or service name can't be resolved. */
  unresolved: 4,
  /** Interrupted before there was any result. */
  interrupted: 130,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** What a code means to a person: the system's sentence for it, what to try, and how the program ends. */
export interface ErrorEntry {
  readonly message: string;
  readonly advice: string;
  readonly exitCode: ExitCode;
}

const failed = (message: string, advice: string): ErrorEntry => ({ message, advice, exitCode: ExitCode.failed });
const usage = (message: string, advice: string): ErrorEntry => ({ message, advice, exitCode: ExitCode.usage });
const denied = (message: string, advice: string): ErrorEntry => ({ message, advice, exitCode: ExitCode.notPermitted });
const unresolved = (message: string, advice: string): ErrorEntry => ({
  message,
  advice,
  exitCode: ExitCode.unresolved,
});

/**
 * Code -> message, advice, exit code. Codes beginning with E are errno names (errno(3)), with EAI_ those of
 * getaddrinfo(3); the others are sockctl's own.
 */
export const ERROR_TABLE = {
  USAGE: usage('wrong usage', "see 'sockctl help'"),
  BAD_ADDRESS: usage('malformed address', 'write HOST:PORT, [V6]:PORT, :PORT, unix:/path or unix:@name'),
  BAD_OPTION: usage('unusable socket option', 'write --opt NAME[=VALUE] with a name such as SO_RCVBUF'),
  BAD_FILTER: usage('the filter does not compile', 'see pcap-filter(7) for the language'),
  BAD_PACKET: usage('the packet expression cannot be read', 'write layers: \'ip(dst=192.0.2.1)/udp(dport=9)/"hello"\''),
  BAD_CAPTURE: failed('not a readable capture file', 'sockctl reads pcap and pcapng; convert other formats first'),
  TRUNCATED_CAPTURE: failed('the capture file ends inside a record', 'every whole packet before that point was read'),
  BACKEND_MISSING: failed('this backend is not installed', 'run scripts/setup, or choose another --backend'),
  BACKEND_LIMIT: usage('this backend cannot do that', 'use --backend native on Linux'),
  CAPTURE_DIED: failed('the capture process ended unexpectedly', 'packets received before that point were kept'),
  NO_ANSWER: failed('nothing answered', 'check the address, a firewall in between, or a longer --timeout'),
  TIMEOUT: failed('timed out', 'check the address and port, or give a longer --timeout'),
  TLS: failed('the TLS handshake failed', 'look whether both ends speak TLS, and which versions'),
  TLS_CERTIFICATE: failed('the certificate is not trusted', '--insecure goes on without proof'),
  DELIVERY: failed('the transfer has failed', 'look at the log of both ends'),
  PROXY: failed('the proxy did not connect', 'check the address of the proxy, and what it allows'),
  EACCES: denied('permission denied', 'run it with sudo, or use a port from 1024 up'),
  EPERM: denied('operation not permitted', 'run it with sudo, or grant the capability that the line names'),
  EADDRINUSE: failed('address already in use', 'stop the program that holds it, or choose another port'),
  EADDRNOTAVAIL: failed('address not available here', 'use an address of this machine; see ip addr'),
  EAFNOSUPPORT: failed('address family not supported', 'this system has that family turned off; try -4 or -6'),
  EPROTONOSUPPORT: failed('protocol not supported', 'this kernel lacks that protocol'),
  ECONNREFUSED: failed('connection refused', 'nothing listens there; check the port and that the server runs'),
  ECONNRESET: failed('connection reset by peer', 'the peer closed it abruptly; look at the log of the peer'),
  ECONNABORTED: failed('connection aborted', 'the peer went away before the connection was accepted; try again'),
  EPIPE: failed('broken pipe: the reader has closed it', 'output ends here; keep the reader open to get all of it'),
  ENOTCONN: failed('socket is not connected', 'the peer has ended the connection already'),
  ETIMEDOUT: failed('connection timed out', 'nothing answered; check the address and a firewall in between'),
  EHOSTUNREACH: failed('no route to host', 'the host or a router in between said that it cannot be reached'),
  ENETUNREACH: failed('network is unreachable', 'this machine has no route there; see ip route'),
  ENETDOWN: failed('network is down', 'bring the interface up: ip link set NAME up'),
  EHOSTDOWN: failed('host is down', 'the neighbour does not answer; check the cable and the address'),
  EMSGSIZE: failed('message too long', 'send less in one datagram: UDP carries at most 65,507 bytes over IPv4'),
  ENOBUFS: failed('no buffer space available', 'send slower, or raise SO_SNDBUF with --opt SO_SNDBUF=4M'),
  ENOMEM: failed('out of memory', 'ask for smaller buffers'),
  EMFILE: failed('too many open files', 'raise the limit: ulimit -n 65536'),
  ENFILE: failed('too many open files in the system', 'close other programs, or raise fs.file-max'),
  ENODEV: failed('no such interface', 'see the names with: ip link'),
  ENXIO: failed('no such device or address', 'see the names with: ip link'),
  ENOPROTOOPT: failed('the protocol has no such option', 'see the options with: sockctl options'),
  EINVAL: failed('invalid argument', 'the kernel refused this combination; look at the arguments with -v'),
  EOPNOTSUPP: failed('operation not supported', 'this kind of socket does not do that'),
  EDOM: failed('argument out of domain', 'the value is outside of what the kernel accepts'),
  ENOENT: failed('no such file or directory', 'check the path'),
  ENOTDIR: failed('a part of the path is not a directory', 'check the path'),
  EISDIR: failed('is a directory', 'name a file'),
  EROFS: failed('read-only file system', 'choose another folder'),
  ENOSPC: failed('no space left on device', 'free some space, or choose another file system'),
  EDQUOT: failed('disk quota exceeded', 'free some space, or have the quota raised'),
  EIO: failed('input/output error', 'the device failed; look at dmesg'),
  EFBIG: failed('file too large', 'raise the limit: ulimit -f'),
  ENAMETOOLONG: failed('name too long', 'choose a shorter path'),
  EPROTO: failed('protocol error', 'look at the traffic with: sockctl capture'),
  EAI_NONAME: unresolved('name or service not known', 'check the spelling, or give a numeric address'),
  EAI_AGAIN: unresolved(
    'temporary failure in name resolution',
    'no name server answered; try again, or give an address',
  ),
  EAI_FAIL: unresolved('name resolution failed', 'the name server refused; try again, or give a numeric address'),
  EAI_SERVICE: unresolved('service name not known', 'give the port as a number from 0 to 65535'),
} as const satisfies Record<string, ErrorEntry>;

export type KnownCode = keyof typeof ERROR_TABLE;

const UNKNOWN: ErrorEntry = failed('the system reported an error', 'look at the system calls with -v');

/** The table's entry for `code`; codes outside the table count as failed operations. */
export function describeCode(code: string): ErrorEntry {
  return Object.hasOwn(ERROR_TABLE, code) ? ERROR_TABLE[code as KnownCode] : UNKNOWN;
}

export interface SockctlErrorInit {
  /** What failed, in words, without the system's sentence; it begins the line that the user sees. */
  readonly what: string;
  /** Overrides the advice of the table. */
  readonly advice?: string | undefined;
  readonly cause?: unknown;
}

/** A part of a text. */
export interface TextSpan {
  readonly start: number;
  /** Behind the last character; `start` at the text's end. */
  readonly end: number;
}

/** The root of sockctl's errors. `message` is one line, fit for a user: what failed, why. */
export class SockctlError extends Error {
  override readonly name: string = 'SockctlError';
  /** A key of {@link ERROR_TABLE}, or an errno name that the table lacks. */
  readonly code: string;
  /** What to try, one clause. */
  readonly advice: string;
  /** The part of a text of the user's that is wrong, as indexes into it; undefined for errors that are about no text. */
  readonly span: TextSpan | undefined = undefined;

  constructor(code: string, init: SockctlErrorInit) {
    super(init.what, init.cause === undefined ? undefined : { cause: init.cause });
    this.code = code;
    this.advice = init.advice ?? describeCode(code).advice;
  }

  get exitCode(): ExitCode {
    return describeCode(this.code).exitCode;
  }

  /** Lines that show where it is wrong, for people; most errors need none. */
  get detail(): readonly string[] {
    return [];
  }
}

/** The user, or the caller, asked for something that has no meaning. */
export class UsageError extends SockctlError {
  override readonly name: string = 'UsageError';

  constructor(what: string, advice?: string, code: KnownCode = 'USAGE') {
    super(code, { what, advice });
  }
}

/** An address text that can't be read: which part is wrong, and where it starts. */
export class AddressError extends UsageError {
  override readonly name: string = 'AddressError';
  readonly text: string;
  /** Index into `text` at which reading stopped. */
  readonly offset: number;
  /** What is wrong there. */
  readonly reason: string;

  constructor(text: string, offset: number, reason: string, advice?: string) {
    const rest = text.slice(offset);
    const where = rest === '' ? 'at its end' : `at '${clip(rest)}'`;
    super(`bad address '${clip(text)}': ${reason}, ${where}`, advice, 'BAD_ADDRESS');
    this.text = text;
    this.offset = offset;
    this.reason = reason;
  }
}

export interface SocketErrorInit {
  /** The failing call by its manual-page name: `bind`, `connect`, `setsockopt(SO_RCVBUF)`. */
  readonly syscall: string;
  /** errno name, `ECONNREFUSED`. */
  readonly code: string;
  /** errno as a positive number; 0 when not known. */
  readonly errno?: number | undefined;
  /** Text of the address or object that the call was about. */
  readonly address?: string | undefined;
  readonly advice?: string | undefined;
  readonly cause?: unknown;
}

const ZONE_ADVICE = 'a link-local address needs the interface that it is on: fe80::1%eth0';

/** RFC 4007 section 6: the kernel says no more than EINVAL to a link-local address that may be on any link. */
function lacksZone({ code, address = '' }: SocketErrorInit): boolean {
  return code === 'EINVAL' && /^\[?fe[89ab][0-9a-f]:[^%]*$/i.test(address);
}

/** A system call that failed, as the manual pages name it. */
export class SocketError extends SockctlError {
  override readonly name: string = 'SocketError';
  readonly syscall: string;
  readonly errno: number;
  readonly address: string | undefined;

  constructor(init: SocketErrorInit) {
    const on = init.address === undefined ? '' : ` ${init.address}`;
    super(init.code, {
      what: `${init.syscall}${on}: ${describeCode(init.code).message} (${init.code})`,
      advice: init.advice ?? (lacksZone(init) ? ZONE_ADVICE : undefined),
      cause: init.cause,
    });
    this.syscall = init.syscall;
    this.errno = init.errno ?? 0;
    this.address = init.address;
  }
}

/**
 * Any thrown value as a {@link SockctlError}: system errors of Node keep their call, code and address, everything
 * else becomes a failure with its own message.
 *
 * @param context the object that the operation was about, used where the error names none
 */
export function toSockctlError(thrown: unknown, context?: string): SockctlError {
  if (thrown instanceof SockctlError) return thrown;
  if (!(thrown instanceof Error)) return new SockctlError('FAILED', { what: String(thrown), cause: thrown });
  const system = thrown as Error & { code?: unknown; errno?: unknown; syscall?: unknown; path?: unknown };
  if (thrown instanceof AggregateError && thrown.errors.length > 0) return toSockctlError(thrown.errors[0], context);
  if (isTlsError(thrown)) return tlsError(thrown, context);
  if (typeof system.code === 'string' && typeof system.syscall === 'string') {
    return new SocketError({
      syscall: system.syscall,
      code: system.code,
      errno: typeof system.errno === 'number' ? Math.abs(system.errno) : 0,
      address: context ?? nodeAddress(thrown) ?? (typeof system.path === 'string' ? system.path : undefined),
      cause: thrown,
    });
  }
  return new SockctlError(typeof system.code === 'string' ? system.code : 'FAILED', {
    what: context === undefined ? firstLine(thrown.message) : `${context}: ${firstLine(thrown.message)}`,
    cause: thrown,
  });
}

interface OpensslError extends Error {
  /** OpenSSL's sentence, `wrong version number`. */
  readonly reason?: string;
}

/** Whether OpenSSL has found fault with what the peer said, or the peer with what we said. */
function isTlsError(error: Error): error is OpensslError {
  const { code, library } = error as { code?: unknown; library?: unknown };
  return library === 'SSL routines' || (typeof code === 'string' && code.startsWith('ERR_SSL_'));
}

/** What OpenSSL's reasons (ERR_reason_error_string(3)) ask for. */
const TLS_ADVICE: readonly (readonly [RegExp, string])[] = [
  [
    /wrong version number|packet length|http request|record layer|unexpected message/,
    'the other end does not speak TLS: leave TLS out',
  ],
  [/certificate required|did not return a certificate/, 'the server wants a client certificate: --cert and --key'],
  [/unknown ca|bad certificate|certificate unknown|certificate expired/, 'the peer does not believe our certificate'],
  [/protocol version|unsupported protocol/, 'the two ends have no TLS version in common'],
  [/application protocol/, 'the server has none of the protocols of --alpn'],
  [/unrecognized name/, 'the server does not know that name: see --servername'],
];

function tlsError(error: OpensslError, context: string | undefined): SockctlError {
  const reason = error.reason ?? firstLine(error.message);
  return new SockctlError('TLS', {
    what: `${context === undefined ? '' : `${context}: `}TLS: ${reason}`,
    advice: TLS_ADVICE.find(([pattern]) => pattern.test(reason))?.[1],
    cause: error,
  });
}

/** The address and port that Node puts on its own socket errors. */
function nodeAddress(error: Error): string | undefined {
  const { address, port } = error as { address?: unknown; port?: unknown };
  if (typeof address !== 'string') return undefined;
  if (typeof port !== 'number' || port < 0) return address;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

function firstLine(text: string): string {
  const end = text.indexOf('\n');
  return end < 0 ? text : text.slice(0, end);
}

/** Text from outside, cut to a length that fits a line, with control characters made visible. */
export function clip(text: string, length = 60): string {
  return visible(text.length > length ? `${text.slice(0, length)}…` : text);
}

/** Text from outside with what a terminal would not show, or take as a command, made visible. */
export function visible(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (c) => `\\u${c.codePointAt(0)?.toString(16).padStart(4, '0')}`);
}

/** Characters of a text that are shown around a fault. */
const SHOWN = 72;

/** Where a part of a user's text is, in words: `at 'ttl=999'`, `at its end`. */
export function atSpan(text: string, { start, end }: TextSpan): string {
  return start >= text.trimEnd().length ? 'at its end' : `at '${clip(text.slice(start, end), 40)}'`;
}

/** A text, or a part of it where it is long, and carets below the part of it that is wrong. */
export function pointAt(text: string, { start, end }: TextSpan): readonly string[] {
  const from = text.length <= SHOWN ? 0 : Math.max(0, Math.min(start - 24, text.length - SHOWN));
  const part = text.slice(from, from + SHOWN);
  const before = from > 0 ? '...' : '';
  const after = from + SHOWN < text.length ? '...' : '';
  const carets = Math.max(1, Math.min(end, from + part.length) - start);
  // A character for each, whatever the terminal would make of it.
  const line = Array.from({ length: part.length }, (_, i) => printable(part.charCodeAt(i))).join('');
  return [`${before}${line}${after}`, `${' '.repeat(before.length + start - from)}${'^'.repeat(carets)}`];
}

const printable = (code: number): string => (code >= 0x20 && code < 0x7f ? String.fromCharCode(code) : '?');

/** Whether a privilege is what it lacks. */
export function isPermissionError(error: unknown): error is SocketError {
  return error instanceof SocketError && (error.code === 'EPERM' || error.code === 'EACCES');
}
