import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tool } from '../../tools/locate.ts';
import { run } from './run.ts';

/** A name that leads nowhere, for a server behind a proxy: loopback addresses are never proxied. */
export const PROXIED_HOST = 'registry.internal.test';

/** GitHub's API, likewise: a double behind a proxy stands for it. */
export const GITHUB_API = 'api.github.com';

/** A throwaway authority and one server certificate for the loopback addresses, {@link PROXIED_HOST} and {@link GITHUB_API}. */
export interface ServerCertificate {
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
}

/** A self-signed certificate with its key, as PEM files in `folder`. */
export async function selfSigned(
  folder: string,
  name: string,
  subject: string,
): Promise<{ certFile: string; keyFile: string }> {
  const certFile = join(folder, `${name}.pem`);
  const keyFile = join(folder, `${name}.key`);
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', keyFile];
  await run(tool('openssl'), [
    'req',
    '-x509',
    ...key,
    '-subj',
    `/CN=${subject}`,
    '-days',
    '2',
    '-out',
    certFile,
  ]);
  return { certFile, keyFile };
}

/** Makes an authority and, signed by it, a certificate for 127.0.0.1, ::1, localhost, {@link PROXIED_HOST} and {@link GITHUB_API}. */
export async function serverCertificate(folder: string): Promise<ServerCertificate> {
  const openssl = tool('openssl');
  const ca = await selfSigned(folder, 'ca', 'primitive test authority');
  const keyFile = join(folder, 'server.key');
  const requestFile = join(folder, 'server.csr');
  const certFile = join(folder, 'server.pem');
  const extensions = join(folder, 'server.ext');
  await writeFile(
    extensions,
    `subjectAltName=IP:127.0.0.1,IP:::1,DNS:localhost,DNS:${PROXIED_HOST},DNS:${GITHUB_API}\nextendedKeyUsage=serverAuth\n`,
  );
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', keyFile];
  await run(openssl, ['req', '-new', ...key, '-subj', '/CN=127.0.0.1', '-out', requestFile]);
  const signer = ['-CA', ca.certFile, '-CAkey', ca.keyFile, '-CAcreateserial', '-days', '2'];
  await run(openssl, [
    'x509',
    '-req',
    '-in',
    requestFile,
    ...signer,
    '-extfile',
    extensions,
    '-out',
    certFile,
  ]);
  return { caFile: ca.certFile, certFile, keyFile };
}
