import { type Digest, digestOf } from '../../core/digest.ts';
import { PrimitiveError } from '../../core/errors.ts';
import type { Kind } from '../../kinds/kind.ts';
import type { RenderedFile } from '../../kinds/render.ts';
import { languageNamed } from '../../languages/all.ts';
import { globMatcher } from '../../repository/globs.ts';
import { mergeTexts } from '../../repository/merge.ts';
import { MANIFEST } from '../../repository/primitive-folders.ts';
import { newManifest, type Provenance, withProvenance } from '../../repository/provenance.ts';
import type { ScaffoldDocument } from './document.ts';
import type { EditedFile } from './edited.ts';
import type { Existing, Site } from './facts.ts';

/** `primitive.scaffold-plan/v1`: what `--dry-run` prints is what is executed. */
export type ScaffoldPlan = Omit<ScaffoldDocument, 'written'>;

/** One file of a plan. `existing` is compared again before anything is written. */
export type PlannedFile = ScaffoldPlan['files'][number];

/** The action of scaffold on a file. Only `create`, `update` and `merge` write anything. */
export type Action = PlannedFile['action'];

/** Why a file has its action, unless that is obvious. */
export type ActionReason = NonNullable<PlannedFile['reason']>;

/** Content to write: the bytes of every file that a plan creates or regenerates, by its digest. */
export type Contents = ReadonlyMap<Digest, Uint8Array>;

/** Input of a plan. */
export interface ScaffoldFacts {
  readonly kind: Kind;
  readonly name: string;
  readonly inputs: Readonly<Record<string, string>>;
  readonly rendered: ReadonlyMap<string, RenderedFile>;
  readonly site: Site;
  /** The current state of the rendered and recorded paths, and of `primitive.yaml`. */
  readonly existing: ReadonlyMap<string, Existing>;
  /** Files in the folder of a new primitive that scaffold did not write; sorted. */
  readonly unmanaged: readonly string[];
  /** Write files again that were deleted. */
  readonly restore: boolean;
  /** Take over what the template changed; else files that are there stay as they are. */
  readonly update: boolean;
  /** For an update: each edited file whose template changed, with the text that both changes began from. */
  readonly edited: ReadonlyMap<string, EditedFile>;
}

/** Decides the action of each file. Pure; refuses nothing, see {@link refuseConflicts}. */
export function planScaffold(facts: ScaffoldFacts): {
  readonly plan: ScaffoldPlan;
  readonly contents: Contents;
} {
  const { kind, name, inputs, rendered, site } = facts;
  const before = site.manifest?.provenance;
  const contents = new Map<Digest, Uint8Array>();
  const files = planFiles(facts, before, contents);
  const recorded = files.some(isBehind) ? (before?.version ?? kind.version) : kind.version;
  const after: Provenance = { version: recorded, inputs, ...recordAfter(files, before) };
  const text =
    site.manifest === undefined
      ? newManifest(kind.kind, name, after)
      : withProvenance(site.manifest, `${site.path}/${MANIFEST}`, after);
  const manifest = { bytes: new TextEncoder().encode(text), mode: '100644', owner: 'config' } as const;
  files.push(planManifest(manifest, facts));
  for (const { bytes } of [...rendered.values(), manifest]) contents.set(digestOf(bytes), bytes);
  const plan: ScaffoldPlan = {
    schema: 'primitive.scaffold-plan/v1',
    kind: kind.kind,
    name,
    path: site.path,
    template: { version: kind.version, recorded, from: before?.version ?? null },
    inputs,
    files: files.sort((a, b) => (a.path < b.path ? -1 : 1)),
    unmanaged: facts.unmanaged,
    next: nextSteps(kind, name, site.path, [...rendered.keys()]),
  };
  return { plan, contents };
}

/** Throws `scaffold-conflict` (exit 2) for a plan with files in conflict. */
export function refuseConflicts({ kind, name, path, files, unmanaged }: ScaffoldPlan): void {
  const conflicts = files.filter(({ action }) => action === 'conflict').map((file) => file.path);
  const inTheWay = [...new Set([...conflicts, ...unmanaged])].sort();
  if (inTheWay.length === 0) return;
  const shown = inTheWay.slice(0, 10).map((file) => `${path}/${file}`);
  throw new PrimitiveError(
    'scaffold-conflict',
    unmanaged.length > 0
      ? `${path} has files that scaffold did not write.`
      : `${conflicts.length === 1 ? 'Something is' : 'Some things are'} in the way of what scaffold writes.`,
    {
      why: [...shown, ...(inTheWay.length > 10 ? [`and ${inTheWay.length - 10} more`] : [])].join('\n'),
      suggestions: [
        'Nothing was written. Move these files away, or choose another name.',
        `To see the plan: primitive scaffold --kind ${kind} --name ${name} --dry-run`,
      ],
    },
  );
}

/** Files whose template changed and that did not take it over. */
const BEHIND: readonly (ActionReason | undefined)[] = [
  'template-changed',
  'edited-and-template-changed',
  'base-missing',
];

/** Whether a file is older than its template once the plan is executed. */
export function isBehind({ action, reason }: PlannedFile): boolean {
  return action === 'keep' && BEHIND.includes(reason);
}

function planFiles(
  facts: ScaffoldFacts,
  before: Provenance | undefined,
  contents: Map<Digest, Uint8Array>,
): PlannedFile[] {
  const { kind, rendered, existing } = facts;
  const planned = [...rendered].map(([path, file]) => {
    const { merge, ...plain } = planFile(path, file, facts, before);
    if (merge !== undefined) contents.set(digestOf(merge), merge);
    return plain;
  });
  const files = keepGenerated(planned, kind);
  const leftOver = [...(before?.files.keys() ?? [])].flatMap((path): PlannedFile[] => {
    const found = existing.get(path);
    if (rendered.has(path) || found?.type !== 'file') return [];
    const { digest, size } = found;
    const there = {
      path,
      owner: 'impl',
      mode: '100644',
      size,
      digest,
      existing: digest,
      existingSize: size,
    } as const;
    return [{ ...there, action: 'keep', reason: 'left-over' }];
  });
  return [...files, ...leftOver];
}

const AS_ITS_OWNER_HAS_IT: readonly Action[] = ['keep', 'skip', 'merge'];

/** Files generated from an edited file stay as they are; the generator writes them. */
function keepGenerated(
  files: readonly PlannedFile[],
  { generators = [], files: rules = [] }: Kind,
): readonly PlannedFile[] {
  const edited = files.flatMap(({ path, action }) => (AS_ITS_OWNER_HAS_IT.includes(action) ? [path] : []));
  const stale = generators.filter(({ reads }) =>
    edited.some((path) => reads.some((glob) => globMatcher(glob)(path))),
  );
  if (stale.length === 0) return files;
  const ids = new Set(stale.map(({ id }) => id));
  const owners = rules.map(({ path, by }) => ({ matches: globMatcher(path), by }));
  return files.map((file): PlannedFile => {
    const by = owners.find(({ matches }) => matches(file.path))?.by;
    if (by === undefined || !ids.has(by)) return file;
    const reason = 'generator-input-edited';
    if (file.action === 'create') return { ...file, action: 'skip', reason };
    return file.action === 'update' ? { ...file, action: 'keep', reason } : file;
  });
}

function planFile(
  path: string,
  { bytes, mode, owner }: RenderedFile,
  { existing, restore, update, edited }: ScaffoldFacts,
  before: Provenance | undefined,
): PlannedFile & { readonly merge?: Uint8Array } {
  const digest = digestOf(bytes);
  const file = { path, owner, mode, size: bytes.length, digest };
  const found = existing.get(path);
  const recorded = before?.files.get(path);
  if (found === undefined) {
    if (recorded === undefined) return { ...file, action: 'create' };
    // Its owner has deleted or renamed it.
    const stays = owner !== 'generated' && !restore;
    return { ...file, action: stays ? 'skip' : 'create', reason: 'was-deleted' };
  }
  if (found.type === 'blocked') return { ...file, action: 'conflict', reason: 'blocked' };
  const there = { ...file, existing: found.digest, existingSize: found.size };
  if (before === undefined) return { ...there, action: 'conflict', reason: 'unmanaged' };
  if (found.digest === digest) return { ...there, action: 'unchanged' };
  if (owner === 'generated') return { ...there, action: 'update' };
  const reason = whyKept(found.digest, digest, recorded, before.merged?.get(path)?.at(-1));
  if (!update) return { ...there, action: 'keep', reason };
  if (reason === 'template-changed') return { ...there, action: 'update' };
  const mine = edited.get(path);
  if (reason !== 'edited-and-template-changed' || mine === undefined)
    return { ...there, action: 'keep', reason };
  if (mine.base === undefined) return { ...there, action: 'keep', reason: 'base-missing' };
  const theirs = new TextDecoder().decode(bytes);
  const { text, conflicts } = mergeTexts({ base: mine.base, ours: mine.text, theirs }, LABELS);
  const merge = new TextEncoder().encode(text);
  return {
    ...there,
    action: 'merge',
    merged: digestOf(merge),
    ...(conflicts.length > 0 ? { conflicts } : {}),
    merge,
  };
}

const LABELS = { ours: 'yours', base: 'scaffolded', theirs: 'template' };

/** Two signals: what was written against what is there, and against what would be written. */
function whyKept(
  found: Digest,
  wanted: Digest,
  recorded: Digest | undefined,
  merged: Digest | undefined,
): ActionReason {
  if (recorded === undefined) return 'unrecorded';
  if (recorded === wanted || merged === wanted) return 'edited';
  return recorded === found || merged === found ? 'template-changed' : 'edited-and-template-changed';
}

function planManifest({ bytes, mode, owner }: RenderedFile, { existing }: ScaffoldFacts): PlannedFile {
  const digest = digestOf(bytes);
  const file = { path: MANIFEST, owner, mode, size: bytes.length, digest };
  const found = existing.get(MANIFEST);
  if (found === undefined) return { ...file, action: 'create' };
  if (found.type === 'blocked') return { ...file, action: 'conflict', reason: 'blocked' };
  const there = { ...file, existing: found.digest, existingSize: found.size };
  return { ...there, action: found.digest === digest ? 'unchanged' : 'update' };
}

/**
 * Of each file, the digest as it was last written: that of a kept, merged or skipped one is still the older, so that the
 * base of the next merge is in git's history.
 */
function recordAfter(
  files: readonly PlannedFile[],
  before: Provenance | undefined,
): Pick<Provenance, 'files' | 'merged'> {
  const stays = ({ action }: PlannedFile) => AS_ITS_OWNER_HAS_IT.includes(action);
  const entriesOf = <T>(of: (file: PlannedFile) => T | undefined) =>
    new Map(
      files.flatMap((file): [string, T][] => {
        const value = of(file);
        return value === undefined ? [] : [[file.path, value]];
      }),
    );
  return {
    files: entriesOf((file) => (stays(file) ? before?.files.get(file.path) : file.digest)),
    merged: entriesOf((file): readonly Digest[] | undefined => {
      const merged = before?.merged?.get(file.path);
      return file.action === 'merge' ? [...(merged ?? []), file.digest] : stays(file) ? merged : undefined;
    }),
  };
}

function nextSteps(
  { kind, language, generators = [] }: Kind,
  name: string,
  path: string,
  files: readonly string[],
): readonly string[] {
  // If the template cannot know what is generated, that has to come first.
  const generates = generators.some(({ writes }) => !files.some((file) => file.startsWith(`${writes}/`)));
  const tests = language === 'other' ? undefined : languageNamed(language).testCommand;
  return [
    ...(generates ? [`primitive generate ${kind}/${name}`] : []),
    ...(tests === undefined ? [] : [`(cd ${path} && ${tests})`]),
    `git add ${path} && git commit --message 'Scaffold ${kind}/${name}'`,
    `primitive publish ${kind}/${name} --dry-run`,
  ].slice(0, 3);
}
