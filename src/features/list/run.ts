import type { Digest } from '../../core/digest.ts';
import { PrimitiveError } from '../../core/errors.ts';
import type { Emit } from '../../core/events.ts';
import { findingText } from '../../core/finding.ts';
import { judgeAdvisories } from '../../kinds/advisories.ts';
import { reportedAdvisory } from '../../kinds/advisory-report.ts';
import type { Kind, Kinds } from '../../kinds/kind.ts';
import { digestsOfKind } from '../../kinds/template.ts';
import type { Workspace } from '../../repository/config.ts';
import { templateState } from '../../repository/provenance.ts';
import { type Selection, selectComponents } from '../../repository/selection.ts';
import type { CommitTree } from '../../repository/source-tree.ts';
import type { ListDocument, ListEntry } from './document.ts';
import { type ListedPrimitive, takeInventory } from './inventory.ts';

/** Ports of `list`. */
export interface ListPorts {
  /** Base of relative paths in the selection; absolute, links resolved. */
  readonly cwd: string;
  workspace(): Promise<Workspace>;
  kinds(): Promise<Kinds>;
  /** HEAD and the work tree. */
  tree(): Promise<CommitTree>;
  readonly emit: Emit;
}

/** Lists the selected primitives of the work tree, in any state; outside of git and before the first commit, too. */
export async function runList(selection: Selection, ports: ListPorts): Promise<ListDocument> {
  const [workspace, kinds, tree] = await Promise.all([
    ports.workspace(),
    ports.kinds(),
    ports.tree().catch(withoutCommit),
  ]);
  const { location } = workspace;
  const { primitives, warnings } = await takeInventory({ ...workspace, kinds }, tree);
  for (const warning of warnings)
    ports.emit({ type: 'warning', code: warning.rule, message: findingText(warning) });
  const selected = selectComponents(primitives, selection, {
    cwd: ports.cwd,
    repositoryRoot: tree?.root ?? location.repositoryRoot ?? location.root,
  });
  const used = [...new Set(selected.map(({ kind }) => kind))];
  const known = new Map(
    await Promise.all(used.map(async (kind) => [kind, await knownKind(kinds, kind)] as const)),
  );
  return {
    schema: 'primitive.list/v1',
    commit: tree?.head.commit ?? null,
    primitives: await Promise.all(selected.map((one) => entryOf(one, known.get(one.kind)))),
  };
}

/** Without a commit the work tree is compared with nothing. */
function withoutCommit(error: unknown): undefined {
  const codes = ['git-no-commit', 'git-not-a-repository'];
  if (error instanceof PrimitiveError && codes.includes(error.code)) return undefined;
  throw error;
}

/** A kind, and the digests of its template files. */
type KnownKind = Kind & { readonly digests: ReadonlyMap<string, Digest> };

async function knownKind(kinds: Kinds, name: string): Promise<KnownKind | undefined> {
  const kind = await kinds.get(name);
  return kind && { ...kind, digests: await digestsOfKind(kind) };
}

function templateOf(
  { component, manifest }: ListedPrimitive,
  known: KnownKind | undefined,
): ListEntry['template'] {
  const provenance = component && manifest?.provenance;
  if (provenance === undefined) return null;
  const { version } = provenance;
  if (known === undefined) return { version, latest: version, state: 'unknown', behind: [] };
  const { state, behind } = templateState(provenance, known.digests);
  return { version, latest: known.version, state, behind: [...behind] };
}

async function entryOf(primitive: ListedPrimitive, known: KnownKind | undefined): Promise<ListEntry> {
  const provenance = primitive.component && primitive.manifest?.provenance;
  const advisories = known === undefined ? [] : await judgeAdvisories(known, provenance);
  const { kind, name, path, state, fault, component, inputDigest } = primitive;
  return {
    kind,
    name,
    path,
    state,
    problem: fault?.message ?? null,
    image: component?.repository ?? null,
    inputDigest: inputDigest ?? null,
    language: known?.language ?? null,
    template: templateOf(primitive, known),
    advisories: advisories.map(reportedAdvisory),
  };
}
