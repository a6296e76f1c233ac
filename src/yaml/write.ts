import { stringify } from 'yaml';

export type Writable = string | number | WritableMapping;

export type WritableMapping = { readonly [key: string]: Writable };

/** Quotes what a reader of YAML 1.1 would take for something else than a text, such as `no`. */
const OPTIONS = { compat: 'yaml-1.1', lineWidth: 0 } as const;

/** Data as YAML: mappings in blocks, a text of several lines as a literal; ends with a line feed. */
export function writeYaml(value: WritableMapping): string {
  return stringify(value, OPTIONS);
}

/** A text on one line, for a block or between brackets: in quotes only where it has to be. */
export function writeText(text: string): string {
  if (/[\n\r]/.test(text)) return JSON.stringify(text);
  return stringify([text], { ...OPTIONS, collectionStyle: 'flow', flowCollectionPadding: false }).slice(
    1,
    -2,
  );
}
