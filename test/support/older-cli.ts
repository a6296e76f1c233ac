import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { attempt, type RunResult, run } from './services/run.ts';

const ROOT = join(import.meta.dirname, '../..');

/** What the CLI of a commit consists of, and how its scaffolds were implemented by then. */
const PARTS = ['bin', 'src', 'templates', 'schemas', 'package.json', 'oclif.manifest.json', 'test/reference'];

/** The CLI of an earlier commit. */
export interface OlderCli {
  /** The sources of that commit, which are {@link PARTS} alone. */
  readonly root: string;
  run(args: readonly string[], cwd: string): Promise<RunResult>;
}

/** The CLI of a commit in the history, with the dependencies of today, in a folder that is not there yet. */
export async function olderCli(commit: string, root: string): Promise<OlderCli> {
  await mkdir(root);
  const archive = `${root}.tar`;
  const args = ['archive', `--output=${archive}`, commit, '--', ...PARTS];
  let { code, stderr } = await attempt('git', args, { cwd: ROOT });
  if (code !== 0) {
    // A shallow clone lacks it.
    await attempt('git', ['fetch', '--quiet', '--depth=1', 'origin', commit], { cwd: ROOT });
    ({ code, stderr } = await attempt('git', args, { cwd: ROOT }));
  }
  if (code !== 0) throw new Error(`Commit ${commit} is not in the history: git fetch --unshallow\n${stderr}`);
  await run('tar', ['--extract', `--file=${archive}`], { cwd: root });
  await symlink(join(ROOT, 'node_modules'), join(root, 'node_modules'));
  const program = join(root, 'bin/dev.js');
  return { root, run: (args, cwd) => attempt(program, args, { cwd }) };
}
