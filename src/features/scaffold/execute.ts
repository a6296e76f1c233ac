import { join } from 'node:path';
import { MANIFEST, stagingOf } from '../../repository/primitive-folders.ts';
import { applyChanges, type FileChange } from '../../repository/transaction.ts';
import { refuseConflicts } from './plan.ts';
import { type Contents, type PlannedFile, type ScaffoldPlan, WRITES } from './planned.ts';

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
    changes: inOrder(plan.files).map((file) => changeOf(file, contents)),
    order: isBelowDeleted(plan.files) ? 'deletes-first' : 'as-listed',
    isNew: plan.files.every(({ existing }) => existing === undefined),
    staging: stagingOf(target),
    what: `write ${plan.path}`,
    code: 'scaffold',
    signal,
  });
}

/**
 * What is deleted comes after all that is written, so that after a kill a renamed file is at one path at least; the record comes
 * last: it still says what was there before.
 */
function inOrder(files: ScaffoldPlan['files']): ScaffoldPlan['files'] {
  const rank = ({ path, action }: PlannedFile) => (path === MANIFEST ? 2 : action === 'delete' ? 1 : 0);
  return [...files].sort((a, b) => rank(a) - rank(b));
}

/** Whether a file becomes a folder. */
function isBelowDeleted(files: ScaffoldPlan['files']): boolean {
  const deleted = files.flatMap(({ path, action }) => (action === 'delete' ? [`${path}/`] : []));
  return files.some(({ path }) => deleted.some((folder) => path.startsWith(folder)));
}

function changeOf(
  { path, action, digest, merged = digest, mode, existing }: PlannedFile,
  contents: Contents,
): FileChange {
  if (action === 'delete') return { path, before: existing, after: 'delete' };
  if (!WRITES.includes(action)) return { path, before: existing, after: 'keep' };
  const bytes = contents.get(merged);
  if (bytes === undefined) throw new TypeError(`no content for ${path}`);
  return { path, before: existing, after: { bytes, executable: mode === '100755' } };
}
