import { type Digest, digestOf } from '../../core/digest.ts';
import { PrimitiveError } from '../../core/errors.ts';
import { globMatcher } from '../../core/glob.ts';
import { isEjected } from '../../kinds/generators/eject.ts';
import { isPlatform, isWrittenBy } from '../../kinds/generators/platform.ts';
import type { Kind } from '../../kinds/kind.ts';
import type { RenderedFile } from '../../kinds/render.ts';
import { languageNamed } from '../../languages/all.ts';
import { MANIFEST } from '../../repository/primitive-folders.ts';
import { newManifest, type TemplateRecord, withEject, withProvenance } from '../../repository/provenance.ts';
import { isOf, planFile, takenOf } from './plan-file.ts';
import {
  type Contents,
  isBehind,
  type PlannedFile,
  type ScaffoldFacts,
  type ScaffoldPlan,
  staysOwners,
} from './planned.ts';
import { recordAfter } from './record.ts';

/** Decides the action of each file. Pure; refuses nothing, see {@link refuseConflicts}. */
export function planScaffold(facts: ScaffoldFacts): {
  readonly plan: ScaffoldPlan;
  readonly contents: Contents;
} {
  const { kind, name, inputs, rendered, site, ejected } = facts;
  const before = site.manifest?.provenance;
  const contents = new Map<Digest, Uint8Array>();
  const files = planFiles(facts, before, contents);
  const after = recordAfter(files, before, facts);
  const text =
    site.manifest === undefined
      ? newManifest(kind.kind, name, after)
      : withProvenance(withEject(site.manifest, site.path, ejected), `${site.path}/${MANIFEST}`, after);
  const manifest = { bytes: new TextEncoder().encode(text), mode: '100644', owner: 'config' } as const;
  files.push(planManifest(manifest, facts));
  for (const { bytes } of [...rendered.values(), manifest]) contents.set(digestOf(bytes), bytes);
  const plan: ScaffoldPlan = {
    schema: 'primitive.scaffold-plan/v1',
    kind: kind.kind,
    name,
    path: site.path,
    template: {
      version: kind.version,
      recorded: after.version,
      from: before?.version ?? null,
      behind: files.flatMap((file) => (isBehind(file) ? [file.path] : [])).sort(),
    },
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

function planFiles(
  facts: ScaffoldFacts,
  before: TemplateRecord | undefined,
  contents: Map<Digest, Uint8Array>,
): PlannedFile[] {
  const { kind, rendered, existing } = facts;
  const planned = [...rendered].map(([path, file]) => {
    const { bytes, ...plain } = planFile(path, file, facts, before);
    if (bytes !== undefined) contents.set(digestOf(bytes), bytes);
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
    if (files.some(({ from }) => from === path)) return [{ ...there, action: 'delete', reason: 'moved' }];
    // What was ejected is its owner's, also where shared code without it is made by now.
    const isOwners = isEjected(facts.site.manifest?.eject, path);
    const isOurs = facts.update && !isOwners && isOf(found, takenOf(before, path));
    return [{ ...there, action: isOurs ? 'delete' : 'keep', reason: 'left-over' }];
  });
  return [...files, ...leftOver];
}

/** Files generated from an edited file stay as they are; the generator writes them. */
function keepGenerated(
  files: readonly PlannedFile[],
  { generators = [], files: rules = [] }: Kind,
): readonly PlannedFile[] {
  const edited = files.flatMap((file) => (staysOwners(file) || file.edited === true ? [file.path] : []));
  // Shared code is made of the module's name alone, as it is now.
  const stale = generators.filter(
    (one) => !isPlatform(one) && edited.some((path) => one.reads.some((glob) => globMatcher(glob)(path))),
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

function planManifest({ bytes, mode, owner }: RenderedFile, { existing }: ScaffoldFacts): PlannedFile {
  const digest = digestOf(bytes);
  const file = { path: MANIFEST, owner, mode, size: bytes.length, digest };
  const found = existing.get(MANIFEST);
  if (found === undefined) return { ...file, action: 'create' };
  if (found.type === 'blocked') return { ...file, action: 'conflict', reason: 'blocked' };
  const there = { ...file, existing: found.digest, existingSize: found.size };
  return { ...there, action: found.digest === digest ? 'unchanged' : 'update' };
}

function nextSteps(
  { kind, language, generators = [] }: Kind,
  name: string,
  path: string,
  files: readonly string[],
): readonly string[] {
  // If the template cannot know what is generated, that has to come first.
  const generates = generators.some((one) => {
    const isWritten = isWrittenBy(one);
    return (
      !files.some((file) => isWritten(file)) &&
      files.some((file) => one.reads.some((glob) => globMatcher(glob)(file)))
    );
  });
  const tests = language === 'other' ? undefined : languageNamed(language).testCommand;
  return [
    ...(generates ? [`primitive generate ${kind}/${name}`] : []),
    ...(tests === undefined ? [] : [`(cd ${path} && ${tests})`]),
    `git add ${path} && git commit --message 'Scaffold ${kind}/${name}'`,
    'primitive publish --dry-run',
  ].slice(0, 3);
}
