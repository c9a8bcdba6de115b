/**
 * Errors that a socket has for something that was sent earlier, without saying what, as icmp(7) and icmpv6 turn messages
 * into them: the probe's own outcome comes otherwise.
 */
export const SOFT_ERRORS: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EHOSTDOWN',
  'ENETDOWN',
  'ENONET',
  'EMSGSIZE',
  'EPROTO',
  'ENOPROTOOPT',
  'EACCES',
  'EOPNOTSUPP',
]);
