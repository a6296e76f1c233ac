import { mkdir } from 'node:fs/promises';
import { delimiter, dirname } from 'node:path';
import { goCaches } from '../../support/go-caches.ts';
import type { Call, Packed } from '../../support/packed.ts';
import { run } from '../../support/services/run.ts';
import { tool } from '../../tools/locate.ts';

/** A repository in git, and the CLI in it. */
export interface Repository {
  readonly folder: string;
  git(...args: readonly string[]): Promise<string>;
  /** Commits all that is there. */
  commit(message: string): Promise<void>;
  call(...args: readonly string[]): Promise<Call>;
  /** What the CLI prints; throws unless its exit code is 0. */
  succeed(...args: readonly string[]): Promise<string>;
}

/** A new repository with a config. */
export async function startRepository(cli: Packed, folder: string): Promise<Repository> {
  await mkdir(folder);
  const path = [dirname(tool('buf')), dirname(tool('go')), process.env.PATH].join(delimiter);
  const env = { PATH: path, ...(await goCaches()) };
  const git = (...args: readonly string[]) =>
    run('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args], { cwd: folder });
  const call = (...args: readonly string[]) => cli.run(args, { cwd: folder, env });
  const succeed = async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await call(...args);
    if (code !== 0) throw new Error(`primitive ${args.join(' ')}: exit code ${code}\n${stdout}${stderr}`);
    return stdout;
  };
  const commit = async (message: string) => {
    await git('add', '--all');
    await git('commit', '--quiet', '--message', message);
  };
  await git('init', '--quiet', '--initial-branch=main');
  await succeed('init', '--repository', 'acme/app');
  return { folder, git, commit, call, succeed };
}
