import type { Document, Pair } from 'yaml';
import { PrimitiveError } from '../core/errors.ts';
import { isDigest } from '../oci/digest.ts';
import type { Digest } from '../oci/types.ts';
import { writeMapping } from '../yaml/plain-yaml.ts';
import { parseYaml } from '../yaml/read.ts';
import { PrimitiveFile } from './primitive-document.ts';

/** The file of a primitive that says what it is. */
export const MANIFEST = 'primitive.yaml';

/** What a primitive was scaffolded from: the part `template` of its `primitive.yaml`. No times, nothing of a machine. */
export interface Provenance {
  /** Of the template. */
  readonly version: number;
  /** What was asked for besides the name. */
  readonly inputs: Readonly<Record<string, string>>;
  /** Path below the primitive -> digest of the file as it was written. */
  readonly files: ReadonlyMap<string, Digest>;
}

/** A `primitive.yaml` that is there. */
export interface Manifest {
  readonly text: string;
  readonly kind: string;
  readonly name: string;
  /** Absent where a person wrote the primitive without scaffold. */
  readonly provenance: Provenance | undefined;
}

const HEAD =
  '# yaml-language-server: $schema=https://raw.githubusercontent.com/ameideio/primitive/main/schemas/primitive.primitive.v1.json';
const NOTE =
  '# What scaffold wrote, by which it tells edited files from changed templates; it keeps this itself.';

/** Reads a `primitive.yaml`. Throws `primitive-syntax`, `primitive-unknown-key`, `primitive-invalid` (exit 2, with line). */
export async function readManifest(text: string, shown: string): Promise<Manifest> {
  const { value } = await parseYaml({ text, shown, subject: 'primitive' }, PrimitiveFile);
  const { kind, name, template } = value;
  const files = Object.entries(template?.files ?? {}).flatMap(([path, digest]): [string, Digest][] =>
    isDigest(digest) ? [[path, digest]] : [],
  );
  const provenance = template && {
    version: template.version,
    inputs: template.inputs ?? {},
    files: new Map(files),
  };
  return { text, kind, name, provenance };
}

/** The text of a new `primitive.yaml`. */
export function newManifest(kind: string, name: string, provenance: Provenance): string {
  const identity = writeMapping({ schema: 'primitive.primitive/v1', kind, name });
  return `${HEAD}\n${identity}${NOTE}\n${block(provenance)}`;
}

/**
 * A `primitive.yaml` with other provenance and not another byte changed, since the rest of it is a person's.
 *
 * Throws `primitive-not-editable` (exit 2) where `template` is written in a way that cannot be replaced alone.
 */
export async function withProvenance(
  manifest: Manifest,
  shown: string,
  provenance: Provenance,
): Promise<string> {
  const yaml = await import('yaml');
  const { text } = manifest;
  const document = yaml.parseDocument(text, { stringKeys: true });
  const [start, end] = rangeOf(yaml, document);
  const newline = text.includes('\r\n') ? '\r\n' : '\n';
  const replaced = block(provenance).replaceAll('\n', newline);
  const ended = /\n$/.test(text.slice(start, end)) ? replaced : replaced.trimEnd();
  const edited = text.slice(0, start) + ended + text.slice(end);
  const wanted = { ...document.toJS(), template: record(provenance) };
  const again = yaml.parseDocument(edited, { stringKeys: true });
  if (again.errors.length > 0 || !same(plain(again), wanted)) throw notEditable(shown);
  return edited;
}

/** From the key `template` to the end of its value. */
function rangeOf(
  yaml: typeof import('yaml'),
  document: Document.Parsed,
): readonly [start: number, end: number] {
  const items: readonly Pair[] = yaml.isMap(document.contents) ? document.contents.items : [];
  const pair = items.find(({ key }) => yaml.isScalar(key) && key.value === 'template');
  const start = yaml.isNode(pair?.key) ? pair.key.range?.[0] : undefined;
  const end = yaml.isNode(pair?.value) ? pair.value.range?.[1] : undefined;
  return [start ?? 0, end ?? 0];
}

function block(provenance: Provenance): string {
  return writeMapping({ template: record(provenance) });
}

function record({ version, inputs, files }: Provenance) {
  const sorted = (entries: readonly (readonly [string, string])[]) =>
    Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : 1)));
  return {
    version,
    ...(Object.keys(inputs).length > 0 ? { inputs: sorted(Object.entries(inputs)) } : {}),
    files: sorted([...files]),
  };
}

/** Undefined where an alias has lost its anchor. */
function plain(document: Document.Parsed): unknown {
  try {
    return document.toJS();
  } catch {
    return undefined;
  }
}

/** Plain data, whatever the order of its keys. */
function same(a: unknown, b: unknown): boolean {
  const ordered = (value: unknown) =>
    JSON.stringify(value, (_, part: unknown) =>
      part !== null && typeof part === 'object' && !Array.isArray(part)
        ? Object.fromEntries(Object.entries(part).sort(([x], [y]) => (x < y ? -1 : 1)))
        : part,
    );
  return ordered(a) === ordered(b);
}

function notEditable(shown: string): PrimitiveError {
  return new PrimitiveError('primitive-not-editable', `\`template\` in ${shown} cannot be replaced alone.`, {
    why: 'it is written on one line, or shares parts with the rest of the file',
    suggestions: ['Write it as a block of its own:\ntemplate:\n  version: 1\n  files: {}'],
  });
}
