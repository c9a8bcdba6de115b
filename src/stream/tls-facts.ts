/** What a TLS handshake has agreed on, and whom the peer has shown itself to be. */
import type { TLSSocket } from 'node:tls';
import { clip } from '../errors.js';
import { tryParseIP } from '../sockaddr/ip.js';

/** A certificate, as far as a person wants to know it. */
export interface CertificateFacts {
  readonly subject: string;
  readonly issuer: string;
  /** The names and addresses that it is for. */
  readonly names: readonly string[];
  /** RFC 3339. */
  readonly validFrom: string;
  readonly validTo: string;
  /** SHA-256 of the whole certificate, bytes in hex joined by colons. */
  readonly fingerprint: string;
}

/** What a handshake has agreed on. */
export interface TlsFacts {
  /** `TLSv1.3`. */
  readonly protocol: string;
  readonly cipher: string;
  /** The application protocol; null where none was agreed on. */
  readonly alpn: string | null;
  /** Whether the peer has proved who it is. */
  readonly authorized: boolean;
  /** The peer's certificate; null where it has shown none. */
  readonly certificate: CertificateFacts | null;
}

/** Of a handshake that is over. */
export function handshakeFacts(socket: TLSSocket): TlsFacts {
  const { alpnProtocol } = socket;
  return {
    protocol: socket.getProtocol() ?? 'unknown',
    cipher: socket.getCipher()?.standardName ?? 'unknown',
    alpn: typeof alpnProtocol === 'string' ? alpnProtocol : null,
    authorized: socket.authorized,
    certificate: certificateFacts(socket) ?? null,
  };
}

/** The peer's own certificate; undefined where it has shown none. */
export function certificateFacts(socket: TLSSocket): CertificateFacts | undefined {
  const x509 = socket.getPeerX509Certificate();
  if (x509 === undefined) return undefined;
  return {
    subject: oneLine(x509.subject),
    issuer: oneLine(x509.issuer),
    names: (x509.subjectAltName ?? '')
      .split(', ')
      .map((name) => name.replace(/^(?:DNS|IP Address):/, ''))
      .map((name) => tryParseIP(name)?.toString() ?? clip(name))
      .filter((name) => name !== ''),
    validFrom: rfc3339(x509.validFrom),
    validTo: rfc3339(x509.validTo),
    fingerprint: x509.fingerprint256,
  };
}

/** A time as OpenSSL writes it; what is none, in a certificate that somebody has made up, stays as it is. */
function rfc3339(text: string): string {
  const time = new Date(text);
  return Number.isNaN(time.getTime()) ? clip(text) : time.toISOString();
}

/** A distinguished name, which Node writes with a part on each line. */
function oneLine(name: string | undefined): string {
  return clip((name ?? '').trim().split('\n').join(', '), 200);
}

/** The handshake's result in a line. */
export function describeTls({ protocol, cipher, alpn, authorized, certificate }: TlsFacts): string {
  const parts = [`${protocol} ${cipher}`];
  if (alpn !== null) parts.push(`protocol ${alpn}`);
  if (certificate !== null) {
    const { subject, issuer, validTo, fingerprint } = certificate;
    const proof = authorized ? 'verified' : 'NOT verified';
    parts.push(
      `certificate ${subject || '(no subject)'} of ${issuer}, until ${validTo}, ${proof}, SHA-256 ${fingerprint}`,
    );
  }
  return parts.join(', ');
}
