/** Certificates for tests, made in a second: a root, and what it has signed. */
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  BasicConstraintsExtension,
  type GeneralName,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 86_400_000;

export interface CertificateFiles {
  /** PEM files. */
  readonly ca: string;
  /** For `example.test` and 127.0.0.1, signed by `ca`, and its key. */
  readonly certificate: string;
  readonly key: string;
  /** As `certificate`, ended long ago; the same key. */
  readonly expired: string;
  /** Certificate and key in one file, as socat takes them. */
  readonly both: string;
}

export async function makeCertificates(folder: string): Promise<CertificateFiles> {
  const rootKeys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const root = await X509CertificateGenerator.createSelfSigned({
    serialNumber: '01',
    name: 'CN=sockctl test root',
    notBefore: new Date(Date.now() - 4000 * DAY_MS),
    notAfter: new Date(Date.now() + DAY_MS),
    signingAlgorithm: ALGORITHM,
    keys: rootKeys,
    extensions: [new BasicConstraintsExtension(true, undefined, true)],
  });
  const names: ConstructorParameters<typeof SubjectAlternativeNameExtension>[0] = [
    { type: 'dns', value: 'example.test' },
    { type: 'ip', value: '127.0.0.1' },
  ] satisfies { type: GeneralName['type']; value: string }[];
  const sign = (serialNumber: string, fromDays: number, toDays: number) =>
    X509CertificateGenerator.create({
      serialNumber,
      subject: 'CN=example.test',
      issuer: root.subject,
      notBefore: new Date(Date.now() + fromDays * DAY_MS),
      notAfter: new Date(Date.now() + toDays * DAY_MS),
      signingAlgorithm: ALGORITHM,
      publicKey: keys.publicKey,
      signingKey: rootKeys.privateKey,
      extensions: [new SubjectAlternativeNameExtension(names)],
    });
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  const key = `-----BEGIN PRIVATE KEY-----\n${pkcs8.match(/.{1,64}/g)?.join('\n')}\n-----END PRIVATE KEY-----\n`;
  const certificate = (await sign('02', -1, 1)).toString('pem');
  const write = (name: string, text: string) => {
    const path = join(folder, name);
    writeFileSync(path, `${text}\n`);
    return path;
  };
  return {
    ca: write('ca.pem', root.toString('pem')),
    certificate: write('certificate.pem', certificate),
    key: write('key.pem', key),
    expired: write('expired.pem', (await sign('03', -400, -35)).toString('pem')),
    both: write('both.pem', `${certificate}\n${key}`),
  };
}
