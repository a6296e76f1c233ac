import { copyFileSync, existsSync, mkdirSync, renameSync, rmdirSync, rmSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PrimitiveError } from '../../core/errors.ts';
import { errnoOf, explained } from '../../repository/file-errors.ts';
import { MANIFEST } from '../../repository/primitive-folders.ts';
import { openStaging, removeLeftOvers } from '../../repository/staging.ts';
import { readExisting } from './facts.ts';
import { type Contents, type PlannedFile, refuseConflicts, type ScaffoldPlan } from './plan.ts';

/**
 * Writes what a plan creates and regenerates, all of it or nothing.
 *
 * Everything is staged beside the target first. A new primitive then comes into being by one rename; in one that is
 * there each file is replaced by a rename, and an error on the way puts back what was replaced. None of that last part
 * waits for anything, so that no signal comes in between; a kill there leaves whole files, and the same command goes on.
 *
 * `root` is the folder of the config. Throws `scaffold-conflict`, `scaffold-busy`, `scaffold-moved` (exit 2),
 * `disk-full`, `not-writable`, `not-written` (exit 3), or the reason of `signal`.
 */
export async function executeScaffold(
  plan: ScaffoldPlan,
  contents: Contents,
  { root, signal }: { readonly root: string; readonly signal: AbortSignal },
): Promise<void> {
  refuseConflicts(plan);
  const writes = plan.files
    .filter(({ action }) => action === 'create' || action === 'update')
    // The record comes last: after a kill it still says what was there before.
    .sort((a, b) => Number(a.path === MANIFEST) - Number(b.path === MANIFEST));
  const target = join(root, plan.path);
  try {
    removeLeftOvers(target, plan.name);
    if (writes.length === 0) return;
    signal.throwIfAborted();
    const staging = openStaging(target, plan.name);
    try {
      const staged = join(staging.folder, 'new');
      for (const file of writes) {
        signal.throwIfAborted();
        await stage(staged, file, contents);
      }
      await checkUnmoved(target, plan);
      signal.throwIfAborted();
      if (isNew(plan)) appear(staged, target);
      else replaceAll(writes, { staged, target, old: join(staging.folder, 'old') });
    } finally {
      staging.close();
    }
  } catch (cause) {
    if (['ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes(errnoOf(cause) ?? '')) throw moved(plan.path, cause);
    throw explained(cause, `write ${plan.path}`);
  }
}

/** An empty folder may be there; only some systems rename onto one. */
function appear(staged: string, target: string): void {
  if (existsSync(target)) rmdirSync(target);
  renameSync(staged, target);
}

/** Nothing of it is there. */
function isNew({ files }: ScaffoldPlan): boolean {
  return files.every(({ existing }) => existing === undefined);
}

async function stage(folder: string, { path, digest, mode }: PlannedFile, contents: Contents): Promise<void> {
  const bytes = contents.get(digest);
  if (bytes === undefined) throw new TypeError(`no content for ${path}`);
  const file = join(folder, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, bytes, { flag: 'wx', mode: mode === '100755' ? 0o777 : 0o666 }).catch((error) => {
    // A write that fails does not name its file, as opening it does.
    throw Object.assign(error, { path: error.path ?? file });
  });
}

/** What is there must be what was planned for. */
async function checkUnmoved(target: string, { path, files }: ScaffoldPlan): Promise<void> {
  const existing = await readExisting(
    target,
    files.map((file) => file.path),
  );
  const different = files.find((file) => {
    const found = existing.get(file.path);
    return found?.type === 'blocked' || found?.digest !== file.existing;
  });
  if (different !== undefined) throw moved(`${path}/${different.path}`);
}

function moved(path: string, cause?: unknown): PrimitiveError {
  return new PrimitiveError('scaffold-moved', `${path} has changed since it was read.`, {
    why: 'another program writes there; nothing was changed',
    suggestions: ['Run the command again.'],
    retryable: true,
    cause,
  });
}

interface Folders {
  readonly staged: string;
  readonly target: string;
  /** For what is replaced. */
  readonly old: string;
}

function replaceAll(files: readonly PlannedFile[], { staged, target, old }: Folders): void {
  const undo: (() => void)[] = [];
  try {
    for (const { path, existing } of files) {
      const file = join(target, path);
      for (const folder of missingFolders(path)) {
        const made = join(target, folder);
        if (makeFolder(made)) undo.push(() => rmdirSync(made));
      }
      if (existing === undefined) {
        if (existsSync(file)) throw moved(path);
        undo.push(() => rmSync(file, { force: true }));
      } else {
        const copy = join(old, path);
        mkdirSync(dirname(copy), { recursive: true });
        copyFileSync(file, copy);
        undo.push(() => renameSync(copy, file));
      }
      renameSync(join(staged, path), file);
    }
  } catch (error) {
    for (const step of undo.toReversed()) step();
    throw error;
  }
}

/** The folders that a path goes through, outermost first. */
function missingFolders(path: string): readonly string[] {
  const parts = path.split('/').slice(0, -1);
  return parts.map((_, depth) => parts.slice(0, depth + 1).join('/'));
}

/** Whether it was missing. */
function makeFolder(folder: string): boolean {
  try {
    mkdirSync(folder);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw error;
  }
}
