import type { Digest } from '../../core/digest.ts';
import { optional } from '../../core/object.ts';
import { recordedVersions } from '../../kinds/generators/built-in.ts';
import { isPlatform } from '../../kinds/generators/platform.ts';
import type { Kind } from '../../kinds/kind.ts';
import type { TemplateOrigin, TemplateRecord } from '../../repository/provenance.ts';
import { isBehind, type PlannedFile, type ScaffoldFacts, staysOwners } from './planned.ts';

/** The record of `primitive.yaml` once a plan is executed. */
export function recordAfter(
  files: readonly PlannedFile[],
  before: TemplateRecord | undefined,
  facts: ScaffoldFacts,
): TemplateRecord {
  const { kind, inputs, events } = facts;
  const version = files.some(isBehind) ? (before?.version ?? kind.version) : kind.version;
  return {
    version,
    inputs,
    ...optional('events', events),
    ...digestsAfter(files, before),
    ...templateAfter(files, before, facts),
  };
}

/**
 * Of each file, the digest as it was last written: that of a kept, merged or skipped one is still the older, so that the
 * base of the next merge is in git's history.
 */
function digestsAfter(
  files: readonly PlannedFile[],
  before: TemplateRecord | undefined,
): Pick<TemplateRecord, 'files' | 'merged'> {
  const entriesOf = <T>(of: (file: PlannedFile) => T | undefined) =>
    new Map(
      files.flatMap((file): [string, T][] => {
        const value = file.action === 'delete' ? undefined : of(file);
        return value === undefined ? [] : [[file.path, value]];
      }),
    );
  const isMerge = ({ action, edited }: PlannedFile) => action === 'merge' || edited === true;
  return {
    files: entriesOf((file) =>
      staysOwners(file) || isMerge(file) ? before?.files.get(file.from ?? file.path) : file.digest,
    ),
    merged: entriesOf((file): readonly Digest[] | undefined => {
      const merged = before?.merged?.get(file.from ?? file.path);
      return isMerge(file) ? [...(merged ?? []), file.digest] : staysOwners(file) ? merged : undefined;
    }),
  };
}

/**
 * Which template files the primitive has the changes of, where they came from, and what generates. An older record says
 * none of it, and says so until an update.
 */
function templateAfter(
  files: readonly PlannedFile[],
  before: TemplateRecord | undefined,
  facts: ScaffoldFacts,
): Pick<TemplateRecord, 'sources' | 'omitted' | 'origins' | 'generators'> {
  const { update, origin, kind } = facts;
  if (before !== undefined && before.sources === undefined && !update) return {};
  const { sources, omitted } = sourcesAfter(files, before, facts);
  const isNew = before === undefined || update;
  const generators = isNew ? recordedVersions(kind.generators) : before.generators;
  const same = before?.sources !== undefined && isSame(before.sources, sources);
  const origins = same ? before?.origins : originsAfter(origin, before?.origins, !files.some(isBehind));
  return { sources, omitted, origins, generators };
}

function sourcesAfter(
  files: readonly PlannedFile[],
  before: TemplateRecord | undefined,
  { templates, rendered, update, kind }: ScaffoldFacts,
): { readonly sources: ReadonlyMap<string, Digest>; readonly omitted: readonly string[] } {
  const planned = new Map(files.map((file) => [file.path, file]));
  const bySource = new Map([...rendered].map(([path, { source }]) => [source, planned.get(path)]));
  const old = before?.sources ?? new Map<string, Digest>();
  const held = update ? [] : heldFolders(kind, before);
  const isOlder = (path: string, file: PlannedFile | undefined) =>
    (file !== undefined && isBehind(file)) || held.some((folder) => path.startsWith(folder));
  const sources = new Map<string, Digest>();
  const omitted: string[] = [];
  for (const [path, digest] of templates) {
    // One that comes out empty is taken over with nothing to write.
    const file = bySource.get(path);
    const isOwners = file !== undefined && isOmitted(file);
    const known = isOlder(path, file) || isOwners ? old.get(path) : digest;
    // Only an update takes note of it: until then a file may come back.
    if (isOwners && (update || before?.omitted?.includes(path))) omitted.push(path);
    else if (known !== undefined) sources.set(path, known);
  }
  // Of a file that the template no longer has, and that its owner has changed, it stays known what it was made from.
  if (files.some(({ action, reason }) => action === 'keep' && reason === 'left-over'))
    for (const [path, digest] of old) if (!templates.has(path)) sources.set(path, digest);
  return { sources, omitted: omitted.sort() };
}

/** Folders of shared code that are as an older version of its generator writes it. */
function heldFolders({ generators = [] }: Kind, before: TemplateRecord | undefined): readonly string[] {
  if (before === undefined) return [];
  const older = generators.filter((one) => isPlatform(one) && before.generators?.[one.id] !== one.version);
  return older.map(({ writes }) => `${writes}/`);
}

/** Its owner deleted or renamed it, or has another file there. */
function isOmitted({ action, reason }: PlannedFile): boolean {
  return reason === 'unrecorded' || (action === 'skip' && reason === 'was-deleted');
}

/** With all files of one version, older versions are the base of no merge any more. */
function originsAfter(
  origin: TemplateOrigin | undefined,
  before: readonly TemplateOrigin[] = [],
  isWhole: boolean,
): readonly TemplateOrigin[] {
  const others = before.filter(
    (other) => other.package !== origin?.package || other.version !== origin.version,
  );
  return [...(origin === undefined ? [] : [origin]), ...(isWhole ? [] : others)];
}

function isSame(one: ReadonlyMap<string, Digest>, other: ReadonlyMap<string, Digest>): boolean {
  return one.size === other.size && [...one].every(([path, digest]) => other.get(path) === digest);
}
