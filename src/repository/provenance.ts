import { type Digest, digestHex, isDigest } from '../core/digest.ts';
import { PrimitiveError } from '../core/errors.ts';
import { parseYaml } from '../yaml/read.ts';
import { appendYaml, spliceYaml } from '../yaml/splice.ts';
import { writeYaml } from '../yaml/write.ts';
import { PrimitiveFile } from './primitive-document.ts';

/** Template of a primitive: the part `template` of its `primitive.yaml`. No times, nothing of a machine. */
export interface Provenance {
  /** Of the template. */
  readonly version: number;
  /** Inputs besides the name. */
  readonly inputs: Readonly<Record<string, string>>;
  /** Path below the primitive -> digest of the file as it was written: the base of a merge. */
  readonly files: ReadonlyMap<string, Digest>;
  /** Path of an edited file -> digests of what the template made of it each time that it was merged, oldest first. */
  readonly merged?: ReadonlyMap<string, readonly Digest[]>;
}

/** A `primitive.yaml` that is there. */
export interface PrimitiveManifest {
  readonly text: string;
  readonly kind: string;
  readonly name: string;
  /** Instead of what the config makes. */
  readonly image?: string;
  /** For generators that read BPMN. */
  readonly bpmn?: PrimitiveFile['bpmn'];
  /** Absent if a person wrote the primitive without scaffold. */
  readonly provenance: Provenance | undefined;
}

const HEAD =
  '# yaml-language-server: $schema=https://raw.githubusercontent.com/ameideio/primitive/main/schemas/primitive.primitive.v1.json';
const NOTE = '# Written by scaffold, to detect edited files and changed templates. Do not edit.';

/** Reads a `primitive.yaml`. Throws `primitive-syntax`, `primitive-unknown-key`, `primitive-invalid` (exit 2, with line). */
export async function readManifest(text: string, shown: string): Promise<PrimitiveManifest> {
  const { value } = await parseYaml({ text, shown, subject: 'primitive' }, PrimitiveFile);
  return manifestOf(text, value);
}

/** Parsed `primitive.yaml` with the given text and value. */
export function manifestOf(
  text: string,
  { kind, name, image, bpmn, template }: PrimitiveFile,
): PrimitiveManifest {
  const provenance = template && {
    version: template.version,
    inputs: template.inputs ?? {},
    files: readFiles(template.files ?? {}),
    ...(template.merged && { merged: groupByPath(sumEntries(template.merged)) }),
  };
  return { text, kind, name, ...(image && { image }), ...(bpmn && { bpmn }), provenance };
}

/** The text of a new `primitive.yaml`. */
export function newManifest(kind: string, name: string, provenance: Provenance): string {
  const identity = writeYaml({ schema: 'primitive.primitive/v1', kind, name });
  return `${HEAD}\n${identity}${NOTE}\n${writeYaml({ template: record(provenance) })}`;
}

/**
 * A `primitive.yaml` with other provenance and not another byte changed, since the rest of it is a person's; after the
 * rest if it has none yet.
 *
 * Throws `primitive-not-editable` (exit 2) if `template` is written in a way that cannot be replaced alone.
 */
export function withProvenance(manifest: PrimitiveManifest, shown: string, provenance: Provenance): string {
  const value = record(provenance);
  const spliced =
    manifest.provenance === undefined
      ? appendYaml(manifest.text, { key: 'template', value, comment: NOTE })
      : spliceYaml(manifest.text, { path: ['template'], value });
  if ('text' in spliced) return spliced.text;
  throw new PrimitiveError('primitive-not-editable', `Cannot edit \`template\` in ${shown}.`, {
    why: `${spliced.problem}; it may be on one line, or use anchors of the file`,
    suggestions: ['Write it as a block of its own:\ntemplate:\n  version: 1\n  files: {}'],
  });
}

function record({ version, inputs, files, merged = new Map() }: Provenance) {
  return {
    version,
    ...(Object.keys(inputs).length > 0
      ? { inputs: Object.fromEntries(Object.entries(inputs).sort(byCodeUnit)) }
      : {}),
    files: sumLines([...files].sort(byCodeUnit)),
    ...(merged.size > 0
      ? {
          merged: sumLines(
            [...merged]
              .sort(byCodeUnit)
              .flatMap(([path, digests]) => digests.map((digest) => [path, digest] as const)),
          ),
        }
      : {}),
  };
}

function sumLines(entries: readonly (readonly [path: string, digest: Digest])[]): string {
  return entries.map(([path, digest]) => `${digestHex(digest)}  ${path}`).join('\n');
}

/** A line for each file, as `sha256sum` writes and checks them; a mapping in the form of earlier versions. */
function readFiles(files: string | Readonly<Record<string, string>>): ReadonlyMap<string, Digest> {
  if (typeof files === 'string') return new Map(sumEntries(files));
  return new Map(
    Object.entries(files).flatMap(([path, digest]): [string, Digest][] =>
      isDigest(digest) ? [[path, digest]] : [],
    ),
  );
}

function sumEntries(lines: string): readonly [path: string, digest: Digest][] {
  return lines.split('\n').flatMap((line): [string, Digest][] => {
    const [, hex, path] = /^([0-9a-f]{64}) [ *](.+)$/.exec(line) ?? [];
    const digest = `sha256:${hex}`;
    return path !== undefined && isDigest(digest) ? [[path, digest]] : [];
  });
}

function groupByPath(
  entries: readonly (readonly [path: string, digest: Digest])[],
): ReadonlyMap<string, readonly Digest[]> {
  const groups = new Map<string, Digest[]>();
  for (const [path, digest] of entries) groups.set(path, [...(groups.get(path) ?? []), digest]);
  return groups;
}

const byCodeUnit = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]) => (a < b ? -1 : 1);
