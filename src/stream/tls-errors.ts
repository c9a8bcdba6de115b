/** Why a certificate was not believed, in words: OpenSSL's verification codes (X509_STORE_CTX_get_error(3)). */
import { clip, SockctlError } from '../errors.js';
import type { CertificateFacts } from './tls-facts.js';

interface Subject {
  readonly remote: string;
  /** Whom the certificate should be for. */
  readonly serverName: string;
}

const INSECURE = '--insecure goes on without proof';

/**
 * @param code Node's `authorizationError`: OpenSSL's name for it, or ERR_TLS_CERT_ALTNAME_INVALID
 * @param facts of the server's own certificate
 */
export function certificateError(
  code: unknown,
  facts: CertificateFacts | undefined,
  { remote, serverName }: Subject,
): SockctlError {
  const known = String(code instanceof Error ? ((code as NodeJS.ErrnoException).code ?? code.message) : code);
  const [reason, advice] = explain(known, facts, serverName);
  return new SockctlError('TLS_CERTIFICATE', { what: `${remote}: ${reason}`, advice });
}

function explain(code: string, facts: CertificateFacts | undefined, serverName: string): [string, string] {
  if (facts === undefined) return ['the server has shown no certificate', INSECURE];
  const { subject, issuer, names, validFrom, validTo, fingerprint } = facts;
  const print = `(SHA-256 ${fingerprint})`;
  switch (code) {
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
      return [
        `the certificate ${subject} is self-signed ${print}`,
        `give it with --ca FILE if it is the right one; ${INSECURE}`,
      ];
    case 'SELF_SIGNED_CERT_IN_CHAIN':
      return [
        `the certificate ${subject} leads to a root that is not trusted here ${print}`,
        `give that root with --ca FILE; ${INSECURE}`,
      ];
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
      return [
        `the certificate ${subject} is signed by ${issuer}, which is not known here ${print}`,
        `give that issuer with --ca FILE, or let the server send its whole chain; ${INSECURE}`,
      ];
    case 'CERT_HAS_EXPIRED':
      return [`a certificate has expired: ${subject} is valid until ${validTo}`, `renew it on the server; ${INSECURE}`];
    case 'CERT_NOT_YET_VALID':
      return [`a certificate is not valid yet: ${subject} is from ${validFrom}`, `compare the clocks; ${INSECURE}`];
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return [
        `the certificate is for ${list(names, subject)}, not for ${clip(serverName)}`,
        `give --servername with a name that it is for; ${INSECURE}`,
      ];
    case 'CERT_REVOKED':
      return [`the certificate ${subject} is revoked ${print}`, `renew it on the server; ${INSECURE}`];
    default:
      return [`the certificate ${subject} of ${issuer} is not trusted: ${clip(code)} ${print}`, INSECURE];
  }
}

/** The first few names: a certificate may have hundreds. */
function list(names: readonly string[], subject: string): string {
  if (names.length === 0) return subject === '' ? 'nobody' : subject;
  const shown = names.slice(0, 4).join(', ');
  return names.length > 4 ? `${shown} and ${names.length - 4} more` : shown;
}
