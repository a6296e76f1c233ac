import { posix } from 'node:path';
import type { Scan } from '../rule.ts';
import { findAssignments } from './assignments.ts';
import { findManifestSecrets } from './manifests.ts';
import { conceal, type Literal } from './secret.ts';

/** Files that are nothing but keys. */
const KEY_FILES = /(?:\.(?:p12|pfx|jks|keystore|ppk)|(?:^|\/)id_(?:rsa|dsa|ecdsa|ed25519))$/i;

/** Finds secrets in files of every type; of binary files, those of known formats. */
export const secretScan: Scan<'secret'> = {
  subject: 'secret',
  version: 1,
  applies: () => true,
  async scan({ path, text, bytes }) {
    const content = text ?? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
    if (KEY_FILES.test(path)) {
      const name = posix.basename(path);
      return conceal([{ kind: 'private-key', name, value: content, index: 0 }], path, content);
    }
    const { findFormats } = await import('./formats.ts');
    const readable = unescaped(path, content);
    const found: Literal[] = [...(await findFormats(readable))];
    if (text !== undefined) found.push(...findAssignments(path, readable));
    if (/\.(?:ya?ml|json|tpl)$/.test(path)) found.push(...findManifestSecrets(content));
    return conceal(found, path, content);
  },
};

/** The text in strings of JSON and notebooks, its characters where they were: a quote is no end, a line break ends. */
function unescaped(path: string, text: string): string {
  if (!/\.(?:json|ipynb)$/.test(path)) return text;
  return text.replace(/\\(["n\\])/g, (_, character) => (character === 'n' ? ' \n' : ` ${character}`));
}
