import { join } from 'node:path';
import { MANIFEST, stagingOf } from '../../repository/primitive-folders.ts';
import { applyChanges, type FileChange } from '../../repository/transaction.ts';
import { type Contents, type PlannedFile, refuseConflicts, type ScaffoldPlan } from './plan.ts';

/**
 * Writes what a plan creates and updates, all of it or nothing; a new primitive appears by one rename.
 *
 * `root` is the folder of the config. Throws `scaffold-conflict` (exit 2), and what {@link applyChanges} throws.
 */
export async function executeScaffold(
  plan: ScaffoldPlan,
  contents: Contents,
  { root, signal }: { readonly root: string; readonly signal: AbortSignal },
): Promise<void> {
  refuseConflicts(plan);
  const target = join(root, plan.path);
  await applyChanges({
    root: target,
    // The record comes last: after a kill it still says what was there before.
    changes: [...plan.files]
      .sort((a, b) => Number(a.path === MANIFEST) - Number(b.path === MANIFEST))
      .map((file) => changeOf(file, contents)),
    isNew: plan.files.every(({ existing }) => existing === undefined),
    staging: stagingOf(target),
    what: `write ${plan.path}`,
    code: 'scaffold',
    signal,
  });
}

function changeOf(
  { path, action, digest, merged = digest, mode, existing }: PlannedFile,
  contents: Contents,
): FileChange {
  if (action !== 'create' && action !== 'update' && action !== 'merge')
    return { path, before: existing, after: 'keep' };
  const bytes = contents.get(merged);
  if (bytes === undefined) throw new TypeError(`no content for ${path}`);
  return { path, before: existing, after: { bytes, executable: mode === '100755' } };
}
