import { existsSync, linkSync, mkdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PrimitiveError } from '../../core/errors.ts';
import { errnoOf, explained } from '../../repository/file-errors.ts';
import { missingFolders } from '../../repository/staging.ts';
import type { InitFile } from './plan.ts';

/** Throws `init-exists` (exit 2) where one of the files is there. */
export function refuseExisting(root: string, files: readonly Pick<InitFile, 'path'>[]): void {
  const there = files.map(({ path }) => path).filter((path) => existsSync(join(root, path)));
  if (there.length > 0) throw exists(there);
}

/**
 * Writes files that are not there, all of them or none; what another process wrote meanwhile is never overwritten.
 *
 * Throws `init-exists` (exit 2), `disk-full`, `not-writable` or `not-written` (exit 3).
 */
export function writeNew(root: string, files: readonly InitFile[]): void {
  refuseExisting(root, files);
  const undo: (() => void)[] = [];
  try {
    for (const { path, text } of files) {
      const file = join(root, path);
      for (const folder of missingFolders(dirname(file))) {
        mkdirSync(folder);
        undo.push(() => rmdirSync(folder));
      }
      const staged = `${file}.${crypto.randomUUID()}`;
      try {
        writeFileSync(staged, text, { flag: 'wx' });
        // Unlike a rename, it fails where the name is taken.
        linkSync(staged, file);
        undo.push(() => rmSync(file));
      } finally {
        rmSync(staged, { force: true });
      }
    }
  } catch (cause) {
    for (const step of undo.toReversed()) step();
    const paths = files.map(({ path }) => path);
    if (errnoOf(cause) === 'EEXIST') throw exists(paths);
    throw explained(cause, `write ${paths.join(' and ')}`);
  }
}

function exists(paths: readonly string[]): PrimitiveError {
  return new PrimitiveError('init-exists', `${paths.join(' and ')} exists already.`, {
    why: 'init never overwrites; nothing was written',
    suggestions: ['Change it by hand.', 'To see what init would write: move it away and run init --dry-run.'],
  });
}
