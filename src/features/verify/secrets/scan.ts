import { posix } from 'node:path';
import { isTest } from '../../../languages/all.ts';
import type { Scan } from '../rule.ts';
import { findAssignments, looksRandom } from './assignments.ts';
import { findManifestSecrets } from './manifests.ts';
import { conceal } from './secret.ts';

/** Files that are nothing but keys. */
const KEY_FILES = /(?:\.(?:p12|pfx|jks|keystore|ppk)|(?:^|\/)id_(?:rsa|dsa|ecdsa|ed25519))$/i;

/** Folders of samples: secrets in them are made up, as in tests. */
const SAMPLES = /(?:^|\/)(?:fixtures|mocks?|__mocks__|examples?)\//i;

/** Loaded by the first file, because most of it is Secretlint. */
let loading: Promise<typeof import('./formats.ts')> | undefined;

/** Finds secrets in files of every type; of binary files, those of known formats. */
export const secretScan: Scan<'secret'> = {
  subject: 'secret',
  version: 7,
  applies: () => true,
  async scan({ path, text, bytes }) {
    const content = text ?? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
    if (KEY_FILES.test(path)) {
      const name = posix.basename(path);
      return conceal([{ kind: 'private-key', name, value: content, index: 0 }], path, content);
    }
    loading ??= import('./formats.ts');
    const { addressOf, findFormats } = await loading;
    const readable = unescaped(path, content);
    const isSample = isTest(path) || SAMPLES.test(path);
    const formats = (await findFormats(readable)).filter(({ kind, name, value }) => {
      if (kind === 'url') return text !== undefined && (!isSample || isRemote(addressOf(value)));
      return !isSample || name !== 'JSON Web Token';
    });
    const assignments = text === undefined || isSample ? [] : findAssignments(path, readable);
    const manifests = /\.(?:ya?ml|json|tpl)$/.test(path) ? findManifestSecrets(content) : [];
    return conceal([...formats, ...assignments, ...manifests], path, content);
  },
};

/** In a test, most addresses are made up: the password has to look random, and the host to be one of the Internet. */
function isRemote({ password, host }: { readonly password: string; readonly host: string }): boolean {
  return host.includes('.') && looksRandom('password', password);
}

/** JSON and notebooks with the escapes in their strings resolved, each character at its old index. */
function unescaped(path: string, text: string): string {
  if (!/\.(?:json|ipynb)$/.test(path)) return text;
  return text.replace(/\\(["n\\])/g, (_, character) => (character === 'n' ? ' \n' : ` ${character}`));
}
