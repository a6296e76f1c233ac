import { isMap, isScalar, isSeq, type Pair, parseAllDocuments, type YAMLMap } from 'yaml';
import { isPlaceholder } from './placeholder.ts';
import type { Literal } from './secret.ts';

/** What a text must hold for a document to be a Secret of Kubernetes. */
const SECRET = /\bkind["']?\s*:\s*["']?Secret["']?\s*(?:[,}]|$)/m;
/** A line that is only there for a template engine. */
const TEMPLATE_LINE = /^[ \t]*\{\{.*\}\}[ \t]*\r?$/gm;

/** Values in `data` and `stringData` of Secrets, also in a List; `data` is decoded before it is judged. */
export function findManifestSecrets(text: string): readonly Literal[] {
  if (!SECRET.test(text)) return [];
  const plain = text.replace(TEMPLATE_LINE, (line) => ' '.repeat(line.length));
  return parseAllDocuments(plain, { logLevel: 'silent', maxAliasCount: 0 } as object).flatMap((document) =>
    'contents' in document ? secretsIn(document.contents) : [],
  );
}

function secretsIn(node: unknown): readonly Literal[] {
  if (!isMap(node)) return [];
  const items = node.get('items');
  if (isSeq(items)) return items.items.flatMap(secretsIn);
  if (node.get('kind') !== 'Secret') return [];
  return [...valuesOf(node, 'data', decode), ...valuesOf(node, 'stringData', (value) => value)];
}

function valuesOf(node: YAMLMap, key: string, read: (value: string) => string): readonly Literal[] {
  const data = node.get(key);
  if (!isMap(data)) return [];
  return data.items.flatMap(({ key: name, value }: Pair): readonly Literal[] => {
    if (!isScalar(value) || typeof value.value !== 'string' || !value.range) return [];
    const text = read(value.value);
    if (isPlaceholder(text) || isPlaceholder(value.value)) return [];
    return [
      {
        kind: 'manifest',
        name: isScalar(name) ? String(name.value) : '',
        value: text,
        index: value.range[0],
      },
    ];
  });
}

function decode(value: string): string {
  return Buffer.from(value, 'base64').toString('utf8');
}
