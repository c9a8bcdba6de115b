/** The public names of the library. */
export { AddressError, describeCode, ERROR_TABLE, ExitCode, SockctlError, SocketError, UsageError } from './errors.js';
export * from './log/events.js';
