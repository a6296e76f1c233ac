import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { PrimitiveError } from '../../core/errors.ts';
import { applyChanges } from '../../repository/transaction.ts';
import type { InitFile } from './plan.ts';

/** Throws `init-exists` (exit 2) if one of the files is there. */
export function refuseExisting(root: string, files: readonly Pick<InitFile, 'path'>[]): void {
  const there = files.map(({ path }) => path).filter((path) => existsSync(join(root, path)));
  if (there.length > 0) throw exists(there);
}

/**
 * Writes files that are not there, all of them or none; what another process wrote meanwhile is never overwritten.
 *
 * Throws `init-exists` (exit 2), and what {@link applyChanges} throws.
 */
export async function writeNew(root: string, files: readonly InitFile[]): Promise<void> {
  refuseExisting(root, files);
  const changes = files.map(({ path, text }) => ({ path, before: undefined, after: { bytes: text } }));
  const what = `write ${files.map(({ path }) => path).join(' and ')}`;
  try {
    await applyChanges({ root, changes, staging: join(root, '.primitive.init'), what, code: 'init' });
  } catch (error) {
    refuseExisting(root, files);
    throw error;
  }
}

function exists(paths: readonly string[]): PrimitiveError {
  return new PrimitiveError('init-exists', `${paths.join(' and ')} exists already.`, {
    why: 'init never overwrites a file; nothing was written',
    suggestions: ['Edit it by hand.', 'To see what init would write, rename it and run init --dry-run.'],
  });
}
