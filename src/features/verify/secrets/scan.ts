import { posix } from 'node:path';
import type { Scan } from '../rule.ts';
import { conceal } from './secret.ts';

/** Files that are nothing but keys. */
const KEY_FILES = /(?:\.(?:p12|pfx|jks|keystore|ppk)|(?:^|\/)id_(?:rsa|dsa|ecdsa|ed25519))$/i;

/** Stores of the certificates that a program trusts. */
const TRUSTED = /(?:trust(?:store)?|cacerts)[^/]*$/i;

/** Loaded by the first file, because most of it is Secretlint and the rules of gitleaks. */
let loading: Promise<typeof import('./find.ts')> | undefined;

/** Finds secrets in files of every type; of binary files, those of known formats. */
export const secretScan: Scan<'secret'> = {
  subject: 'secret',
  version: 13,
  applies: () => true,
  async scan({ path, text, bytes }) {
    const content = text ?? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
    if (KEY_FILES.test(path) && !TRUSTED.test(path)) {
      const name = posix.basename(path);
      return conceal([{ kind: 'private-key', name, value: content, index: 0 }], path, content);
    }
    loading ??= import('./find.ts');
    const { findSecrets } = await loading;
    return conceal(await findSecrets(path, content, text === undefined), path, content);
  },
};
