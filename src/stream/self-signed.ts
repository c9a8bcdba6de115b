/** A certificate for a server that has none: nobody vouches for it, but it encrypts, and its fingerprint can be told. */
import { randomBytes, webcrypto } from 'node:crypto';
import { hostname } from 'node:os';
import { DAY_MS } from '../measure/clock.js';
import type { TlsIdentity } from './tls.js';

const VALID_DAYS = 30;
/** RFC 5480: ECDSA on P-256, which every TLS implementation takes. */
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/** @returns a fresh key and certificate for this host's name, `localhost` and the loopback addresses, valid for a month */
export async function selfSigned(): Promise<TlsIdentity & { readonly fingerprint: string }> {
  // The builder's dependency injection wants its polyfill first.
  await import('reflect-metadata');
  const x509 = await import('@peculiar/x509');
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const serial = randomBytes(16);
  // RFC 5280 section 4.1.2.2: positive.
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x01;
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial.toString('hex'),
    name: 'CN=sockctl',
    // An hour ago: clocks differ.
    notBefore: new Date(Date.now() - DAY_MS / 24),
    notAfter: new Date(Date.now() + VALID_DAYS * DAY_MS),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.SubjectAlternativeNameExtension([
        ...[...new Set([hostname(), 'localhost'])].map((value) => ({ type: 'dns', value }) as const),
        { type: 'ip', value: '127.0.0.1' },
        { type: 'ip', value: '::1' },
      ]),
    ],
  });
  const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  const digest = Buffer.from(await certificate.getThumbprint('SHA-256'));
  return {
    certificate: certificate.toString('pem'),
    key: `-----BEGIN PRIVATE KEY-----\n${key.match(/.{1,64}/g)?.join('\n')}\n-----END PRIVATE KEY-----\n`,
    fingerprint: digest
      .toString('hex')
      .toUpperCase()
      .replace(/..(?=.)/g, '$&:'),
  };
}
