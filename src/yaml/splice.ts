import { type Document, isAlias, isMap, isNode, isScalar, isSeq, parseAllDocuments } from 'yaml';
import type { YamlPath } from './fault.ts';
import { type Writable, type WritableMapping, writeText, writeYaml } from './write.ts';

/** One value to replace. */
export interface Splice {
  /** Position of the document in a file of several, from 0. */
  readonly document?: number;
  readonly path: YamlPath;
  readonly value: string | readonly string[] | WritableMapping;
}

/** The edited text, or why the value cannot be replaced alone. */
export type Spliced = { readonly text: string } | { readonly problem: string };

/**
 * Replaces one value of a YAML text and no other byte: comments, anchors, quotes, line ends, a byte order mark and other
 * documents stay as they are. A text replaces a scalar on one line, in the same quotes; a mapping replaces a block, a list a list.
 *
 * The result is parsed again and compared with the data that it should have. An edit that would change anything else is
 * a `problem`: of an alias, of a value that an alias names, of a template (`{{ }}`), in a file that is not valid YAML.
 */
export function spliceYaml(text: string, { document: position = 0, path, value }: Splice): Spliced {
  const documents = parse(text);
  const document = documents?.[position];
  if (documents === undefined || document === undefined) return { problem: 'the file is not valid YAML' };
  const found = findValue(document, path);
  if ('problem' in found) return found;
  const { start, end, key } = found;
  const old = text.slice(start, end);
  if (old.includes('{{')) return { problem: 'the value is a template' };
  const before = text.slice(0, start);
  const edited =
    (typeof value === 'string'
      ? before + scalar(value, old)
      : isList(value)
        ? list(value, old, newlineOf(text))
        : block(value, { text, before, old, column: columnOf(text, old.startsWith('{') ? key : start) })) +
    text.slice(end);
  const wanted = documents.map((one, i) =>
    i === position ? withValue(dataOf(one), path, value) : dataOf(one),
  );
  const again = parse(edited)?.map(dataOf);
  if (JSON.stringify(again) === JSON.stringify(wanted)) return { text: edited };
  return { problem: 'the value cannot be replaced alone' };
}

/**
 * Adds a key after all others of a mapping, below a comment, and changes no other byte. A `problem` if that does not
 * add it: the file is a mapping in brackets, has several documents, or the key.
 */
export function appendYaml(
  text: string,
  {
    key,
    value,
    comment,
  }: {
    readonly key: string;
    readonly value: WritableMapping | readonly string[];
    readonly comment: string;
  },
): Spliced {
  const newline = newlineOf(text);
  const before = text.endsWith('\n') ? text : text + newline;
  const edited = before + `${comment}\n${writeYaml({ [key]: value })}`.replaceAll('\n', newline);
  const [data, ...others] = parse(text)?.map(dataOf) ?? [];
  const wanted = [{ ...(data as object), [key]: value }, ...others];
  const again = parse(edited)?.map(dataOf);
  if (JSON.stringify(again) === JSON.stringify(wanted)) return { text: edited };
  return { problem: 'the value cannot be added alone' };
}

function parse(text: string): readonly Document.Parsed[] | undefined {
  const parsed = parseAllDocuments(text, { prettyErrors: false, stringKeys: true });
  const documents = Array.isArray(parsed) ? parsed : [];
  return documents.length === 0 || documents.some(({ errors }) => errors.length > 0) ? undefined : documents;
}

/** Plain data that shares no parts; undefined if an alias has lost its anchor. */
function dataOf(document: Document.Parsed): unknown {
  try {
    return JSON.parse(JSON.stringify(document.toJS() ?? null));
  } catch {
    return undefined;
  }
}

function withValue(data: unknown, [step, ...rest]: YamlPath, value: Writable): unknown {
  if (step === undefined) return value;
  if (Array.isArray(data)) return data.map((item, i) => (i === step ? withValue(item, rest, value) : item));
  return Object.fromEntries(
    Object.entries(data ?? {}).map(([key, item]) => [
      key,
      key === step ? withValue(item, rest, value) : item,
    ]),
  );
}

/** Offsets of a value, and of its key. */
type Located = { readonly start: number; readonly end: number; readonly key: number };

function findValue(document: Document.Parsed, path: YamlPath): Located | { readonly problem: string } {
  let node: unknown = document.contents;
  let key = 0;
  for (const step of path) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && item.key.value === step);
      key = isScalar(pair?.key) ? (pair.key.range?.[0] ?? 0) : 0;
      node = pair?.value;
    } else node = isSeq(node) && typeof step === 'number' ? node.items[step] : undefined;
    if (isAlias(node)) return { problem: 'the value is an alias, or part of one' };
  }
  if (!isNode(node) || !node.range) return { problem: 'the value is missing' };
  const [start, end] = node.range;
  return { start, end, key };
}

/** In the quotes of the old one. */
function scalar(value: string, old: string): string {
  if (old === '') return ` ${writeText(value)}`;
  if (old.startsWith('"')) return JSON.stringify(value);
  if (old.startsWith("'")) return `'${value.replaceAll("'", "''")}'`;
  return writeText(value);
}

function isList(value: WritableMapping | readonly string[]): value is readonly string[] {
  return Array.isArray(value);
}

/** A list between brackets; after one in lines, a line feed. */
function list(value: readonly string[], old: string, newline: string): string {
  return `[${value.map(writeText).join(', ')}]${old.endsWith('\n') ? newline : ''}`;
}

/** A mapping in the place, from the column and with the line ends of a block, or below the key of one in brackets. */
function block(
  value: WritableMapping,
  { text, before, old, column }: { text: string; before: string; old: string; column: number },
): string {
  const newline = newlineOf(text);
  const below = old.startsWith('{');
  const indent = ' '.repeat(below ? column + 2 : column);
  const lines = writeYaml(value)
    .trimEnd()
    .split('\n')
    .join(newline + indent);
  const start = below ? before.trimEnd() + newline + indent : before;
  return start + lines + (old.endsWith('\n') ? newline : '');
}

function newlineOf(text: string): string {
  return text.includes('\r\n') ? '\r\n' : '\n';
}

function columnOf(text: string, offset: number): number {
  return offset - (text.lastIndexOf('\n', offset - 1) + 1);
}
