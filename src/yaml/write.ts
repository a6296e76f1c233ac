import { parseDocument, stringify } from 'yaml';

export type Writable = string | number | null | readonly Writable[] | WritableMapping;

export type WritableMapping = { readonly [key: string]: Writable };

/** Quotes what a reader of YAML 1.1 would take for something else than a text, such as `no`. */
const OPTIONS = { compat: 'yaml-1.1', lineWidth: 0 } as const;

/** Data as YAML: mappings in blocks, a text of several lines as a literal; ends with a line feed. */
export function writeYaml(value: object): string {
  return stringify(value, OPTIONS);
}

/** A text on one line, for a block or between brackets: in quotes only if it has to be. */
export function writeText(text: string): string {
  if (/[\n\r]/.test(text)) return JSON.stringify(text);
  return stringify([text], { ...OPTIONS, collectionStyle: 'flow', flowCollectionPadding: false }).slice(
    1,
    -2,
  );
}

/** Whether a text needs no quotes as the value of a key: unlike `no` and `1.0`, YAML 1.1 and 1.2 read it as it is. */
export function isPlainText(text: string): boolean {
  return (['1.1', '1.2'] as const).every((version) => {
    const document = parseDocument(`value: ${text}`, { version });
    return document.errors.length === 0 && document.get('value') === text;
  });
}
