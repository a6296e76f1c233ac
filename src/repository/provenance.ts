import { type Digest, digestHex, isDigest } from '../core/digest.ts';
import { PrimitiveError } from '../core/errors.ts';
import { optional } from '../core/object.ts';
import { byKey } from '../core/order.ts';
import { parseYaml } from '../yaml/read.ts';
import { appendYaml, spliceYaml } from '../yaml/splice.ts';
import { writeYaml } from '../yaml/write.ts';
import { PrimitiveFile } from './primitive-document.ts';
import { workloadOf } from './workload.ts';
import type { Workload } from './workload-schema.ts';

/** Template of a primitive: the part `template` of its `primitive.yaml`. No times, nothing of a machine. */
export interface TemplateRecord {
  /** Of the template. */
  readonly version: number;
  /** Inputs besides the name. */
  readonly inputs: Readonly<Record<string, string>>;
  /** Path below the primitive -> digest of the file as it was written: the base of a merge. */
  readonly files: ReadonlyMap<string, Digest>;
  /** Path of an edited file -> digests of what the template made of it each time that it was merged, oldest first. */
  readonly merged?: ReadonlyMap<string, readonly Digest[]>;
  /** Path of a template file -> digest of the one that this primitive has, in its own words; absent in older records. */
  readonly sources?: ReadonlyMap<string, Digest> | undefined;
  /** Paths of template files that this primitive has nothing of: its owner deleted, renamed or replaced the file. Sorted. */
  readonly omitted?: readonly string[] | undefined;
  /** The packages that the template files came from, newest first; more than one only while files are behind. */
  readonly origins?: readonly TemplateOrigin[] | undefined;
  /** SHA-256 in hex of the events of its source that this was made for. */
  readonly events?: string | undefined;
  /** Id of a generator -> the version that writes the generated files. */
  readonly generators?: Readonly<Record<string, string>> | undefined;
}

/** A version of an npm package with kinds. */
export interface TemplateOrigin {
  readonly package: string;
  readonly version: string;
  /** As the lock file of the repository had it; absent if it did not. */
  readonly integrity?: string | undefined;
}

/** How what a primitive has of its template compares with the template of now. */
export interface TemplateState {
  /** `unknown`: an older record does not say which template files it was written from. */
  readonly state: 'current' | 'behind' | 'unknown';
  /** Paths of template files that are new, changed or gone since; sorted. */
  readonly behind: readonly string[];
}

/** Compares the digests of template files. `latest` is what the template is now. */
export function templateState(
  { sources, omitted = [] }: TemplateRecord,
  latest: ReadonlyMap<string, Digest>,
): TemplateState {
  if (sources === undefined) return { state: 'unknown', behind: [] };
  const behind = [...new Set([...sources.keys(), ...latest.keys()])]
    .filter((path) => !omitted.includes(path) && sources.get(path) !== latest.get(path))
    .sort();
  return { state: behind.length === 0 ? 'current' : 'behind', behind };
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
  /** Of its own, where its kind has none. */
  readonly workload: Workload;
  /** Files and folders of shared code that people own. */
  readonly eject?: readonly string[];
  /** Absent if a person wrote the primitive without scaffold. */
  readonly provenance: TemplateRecord | undefined;
}

const HEAD =
  '# yaml-language-server: $schema=https://raw.githubusercontent.com/ameideio/primitive/main/schemas/primitive.primitive.v1.json';
const EJECT_NOTE = '# Files of shared code that you own: an update merges them.';
const NOTE = '# Written by scaffold, to detect edited files and changed templates. Do not edit.';

/** Reads a `primitive.yaml`. Throws `primitive-syntax`, `primitive-unknown-key`, `primitive-invalid` (exit 2, with line). */
export async function readManifest(text: string, shown: string): Promise<PrimitiveManifest> {
  const { value } = await parseYaml({ text, shown, subject: 'primitive' }, PrimitiveFile);
  return manifestOf(text, value);
}

/** Parsed `primitive.yaml` with the given text and value. */
export function manifestOf(text: string, file: PrimitiveFile): PrimitiveManifest {
  const { kind, name, image, bpmn, eject, template } = file;
  const provenance = template && {
    version: template.version,
    inputs: template.inputs ?? {},
    files: readFiles(template.files ?? {}),
    ...(template.merged && { merged: groupByPath(sumEntries(template.merged)) }),
    ...(template.sources !== undefined && { sources: new Map(sumEntries(template.sources)) }),
    ...(template.omitted && { omitted: template.omitted.split('\n').filter(Boolean) }),
    ...(template.origins && { origins: readOrigins(template.origins) }),
    ...(template.events && { events: template.events }),
    ...(template.generators && { generators: template.generators }),
  };
  return {
    text,
    kind,
    name,
    ...(image && { image }),
    ...(bpmn && { bpmn }),
    ...(eject && { eject }),
    workload: workloadOf(file),
    provenance,
  };
}

/** The proto file that `kind/name` was scaffolded with, its own or an existing one; from the root. */
export function protoFile(primitive: string, { provenance }: PrimitiveManifest): string | undefined {
  const own = [...(provenance?.files.keys() ?? [])].find(
    (path) => /^proto\/.+\.proto$/.test(path) && path !== OPTIONS,
  );
  return provenance?.inputs.service ?? (own && `primitives/${primitive}/${own}`);
}

/** The options by which a proto file declares events. */
const OPTIONS = 'proto/primitive/events/v1/events.proto';

/** The text of a new `primitive.yaml`. */
export function newManifest(kind: string, name: string, provenance: TemplateRecord): string {
  const identity = writeYaml({ schema: 'primitive.primitive/v1', kind, name });
  return `${HEAD}\n${identity}${NOTE}\n${writeYaml({ template: record(provenance) })}`;
}

/** A `primitive.yaml` whose owner also owns these files of shared code. Throws `primitive-not-editable` (exit 2). */
export function withEject(
  manifest: PrimitiveManifest,
  shown: string,
  added: readonly string[],
): PrimitiveManifest {
  if (added.length === 0) return manifest;
  const eject = [...new Set([...(manifest.eject ?? []), ...added])].sort();
  const spliced =
    manifest.eject === undefined
      ? appendYaml(manifest.text, { key: 'eject', value: eject, comment: EJECT_NOTE })
      : spliceYaml(manifest.text, { path: ['eject'], value: eject });
  if ('text' in spliced) return { ...manifest, text: spliced.text, eject };
  throw new PrimitiveError('primitive-not-editable', `Cannot edit \`eject\` in ${shown}.`, {
    why: spliced.problem,
    suggestions: [`Write it as one line: eject: [${eject.join(', ')}]`],
  });
}

/**
 * A `primitive.yaml` with other provenance and not another byte changed, since the rest of it is a person's; after the
 * rest if it has none yet.
 *
 * Throws `primitive-not-editable` (exit 2) if `template` is written in a way that cannot be replaced alone.
 */
export function withProvenance(
  manifest: PrimitiveManifest,
  shown: string,
  provenance: TemplateRecord,
): string {
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

function record(provenance: TemplateRecord) {
  const {
    version,
    inputs,
    files,
    merged = new Map<string, readonly Digest[]>(),
    sources,
    omitted = [],
    origins = [],
    events,
  } = provenance;
  const generators = Object.entries(provenance.generators ?? {}).sort(byKey);
  return {
    version,
    ...(origins.length > 0 ? { origins: origins.map(originLine).join('\n') } : {}),
    ...(generators.length > 0 ? { generators: Object.fromEntries(generators) } : {}),
    ...optional('events', events),
    ...(Object.keys(inputs).length > 0
      ? { inputs: Object.fromEntries(Object.entries(inputs).sort(byKey)) }
      : {}),
    ...(omitted.length > 0 ? { omitted: omitted.join('\n') } : {}),
    ...(sources === undefined ? {} : { sources: sumLines([...sources].sort(byKey)) }),
    files: sumLines([...files].sort(byKey)),
    ...(merged.size > 0
      ? {
          merged: sumLines(
            [...merged]
              .sort(byKey)
              .flatMap(([path, digests]) =>
                digests.map((digest): readonly [string, Digest] => [path, digest]),
              ),
          ),
        }
      : {}),
  };
}

function originLine({ package: name, version, integrity }: TemplateOrigin): string {
  return `${name}@${version}${integrity === undefined ? '' : ` ${integrity}`}`;
}

/** Of lines that are nothing that a registry is asked for, there is none. */
function readOrigins(lines: string): readonly TemplateOrigin[] {
  return lines.split('\n').flatMap((line) => {
    const [, name = '', version = '', integrity] = ORIGIN.exec(line) ?? [];
    return name === '' ? [] : [{ package: name, version, ...optional('integrity', integrity) }];
  });
}

/** `@acme/kinds@1.2.3 sha512-…` */
const ORIGIN =
  /^((?:@[a-z0-9][a-z0-9._-]*\/)?[a-z0-9][a-z0-9._-]*)@([0-9][0-9A-Za-z.+-]{0,99})(?: (sha512-[A-Za-z0-9+/]{86}==))?$/;

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
