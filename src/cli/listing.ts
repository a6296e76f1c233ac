import type { GitRepository } from '../adapters/git.ts';
import { PrimitiveError } from '../core/errors.ts';
import { findingText } from '../core/finding.ts';
import type { Outcome } from '../render/outcome.ts';
import type { Selection } from '../workspace/selection.ts';
import type { Session } from './session.ts';

/** Lists the selected primitives as they stand in the work tree; whatever state they are in, that is no failure. */
export async function runList(
  { wiring, environment, emit }: Session,
  selection: Selection,
): Promise<Outcome> {
  const [{ takeInventory }, { selectComponents }, { inventoryOf, inventoryText }] = await Promise.all([
    import('../features/list/inventory.ts'),
    import('../workspace/selection.ts'),
    import('../features/list/view.ts'),
  ]);
  const [workspace, kinds, tree] = await Promise.all([
    wiring.workspace(),
    wiring.kinds(),
    wiring.repository().catch(uncommitted),
  ]);
  const { location } = workspace;
  const { primitives, warnings } = await takeInventory({ ...workspace, kinds }, tree);
  for (const warning of warnings)
    emit({ type: 'warning', code: warning.rule, message: findingText(warning) });
  const selected = selectComponents(primitives, selection, {
    cwd: environment.cwd,
    repositoryRoot: tree?.root ?? location.repositoryRoot ?? location.root,
  });
  const used = new Set(selected.map(({ kind }) => kind));
  const known = await Promise.all([...used].map(async (kind) => [kind, await kinds.get(kind)] as const));
  const document = inventoryOf(tree?.head.commit, selected, new Map(known));
  return { document, text: (style) => inventoryText(document, style), exit: 0 };
}

/** No repository where there is nothing that could be compared with. */
function uncommitted(error: unknown): GitRepository | undefined {
  if (error instanceof PrimitiveError && NOTHING_COMMITTED.has(error.code)) return undefined;
  throw error;
}

const NOTHING_COMMITTED = new Set(['git-no-commit', 'git-not-a-repository']);
