import { PrimitiveError } from '../../core/errors.ts';
import type { Emit } from '../../core/events.ts';
import { findingText } from '../../core/finding.ts';
import type { Kind, Kinds } from '../../kinds/kind.ts';
import type { Config } from '../../repository/config.ts';
import type { ConfigLocation } from '../../repository/discovery.ts';
import { type Selection, selectComponents } from '../../repository/selection.ts';
import type { SourceTree } from '../../repository/source-tree.ts';
import type { ListDocument, ListEntry } from './document.ts';
import { type ListedPrimitive, takeInventory } from './inventory.ts';

/** Ports of `list`. */
export interface ListPorts {
  /** Base of relative paths in the selection; absolute, links resolved. */
  readonly cwd: string;
  workspace(): Promise<{ readonly location: ConfigLocation; readonly config: Config }>;
  kinds(): Promise<Kinds>;
  /** HEAD and the work tree. */
  tree(): Promise<SourceTree>;
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
  const known = new Map(await Promise.all(used.map(async (kind) => [kind, await kinds.get(kind)] as const)));
  return {
    schema: 'primitive.list/v1',
    commit: tree?.head.commit ?? null,
    primitives: selected.map((one) => entryOf(one, known.get(one.kind))),
  };
}

/** Without a commit the work tree is compared with nothing. */
function withoutCommit(error: unknown): undefined {
  const codes = ['git-no-commit', 'git-not-a-repository'];
  if (error instanceof PrimitiveError && codes.includes(error.code)) return undefined;
  throw error;
}

function entryOf(
  { kind, name, path, state, fault, component, inputDigest }: ListedPrimitive,
  known: Pick<Kind, 'language' | 'version'> | undefined,
): ListEntry {
  const version = component?.templateVersion;
  return {
    kind,
    name,
    path,
    state,
    problem: fault?.message ?? null,
    image: component?.repository ?? null,
    inputDigest: inputDigest ?? null,
    language: known?.language ?? null,
    template: version === undefined ? null : { version, latest: known?.version ?? version },
  };
}
