import { posix } from 'node:path';
import type { Scan } from '../rule.ts';
import { conceal, concealPath } from './secret.ts';

/** Files that are nothing but keys. */
const KEY_FILES = /(?:\.(?:p12|pfx|jks|keystore|ppk|kdbx)|(?:^|\/)id_(?:rsa|dsa|ecdsa|ed25519))$/i;

/** Stores of the certificates that a program trusts. */
const TRUSTED = /(?:trust(?:store)?|cacerts)[^/]*$/i;

/**
 * How files of keys begin, whatever they are called: PKCS #1, PKCS #8 of RSA, EC and Ed25519, SEC 1, PKCS #12, stores of Java
 * and KeePass.
 */
const KEY_BYTES =
  /^(?:30 82 .. .. 02 01 00 (?:02 82 .. .. 00|30 0d 06 09 2a 86 48 86 f7 0d 01 01 01)|30 (?:81 )?.. 02 01 00 30 .. 06 (?:07 2a 86 48 ce 3d 02 01|03 2b 65 70)|30 (?:81 )?.. 02 01 01 04 (?:20|30|42)|30 82 .. .. 02 01 03 30 82|fe ed fe ed 00|ce ce ce ce 00|03 d9 a2 9a)/;

function isKey(bytes: Uint8Array): boolean {
  return KEY_BYTES.test(
    Buffer.from(bytes.subarray(0, 32))
      .toString('hex')
      .replace(/..(?=.)/g, '$& '),
  );
}

/** Loaded by the first file, because most of it is Secretlint and the rules of gitleaks. */
let loading: Promise<typeof import('./find.ts')> | undefined;

/** Finds secrets in files of every type; of binary files, those of known formats. */
export const secretScan: Scan<'secret'> = {
  subject: 'secret',
  version: 15,
  applies: () => true,
  async scan({ path, text, bytes }) {
    const content = text ?? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
    if ((KEY_FILES.test(path) || (text === undefined && isKey(bytes))) && !TRUSTED.test(path)) {
      const name = posix.basename(path);
      return conceal([{ kind: 'private-key', name, value: content, index: 0 }], path, content);
    }
    loading ??= import('./find.ts');
    const { findSecrets } = await loading;
    const found = conceal(await findSecrets(path, content, text === undefined), path, content);
    if (!/[\w-]{20}/.test(path)) return found;
    const named = (await findSecrets('', path, false)).filter(({ kind }) => kind === 'token');
    return [...concealPath(named, path), ...found];
  },
};
