import { PrimitiveError } from '../core/errors.ts';
import { type Git, gitWords, text } from './git-command.ts';
import type { Remote } from './git-remotes.ts';

const OBJECT_ID = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

/** See `History.isAncestor`. */
export async function isAncestor(
  git: Git,
  ancestor: string,
  descendant: string,
): Promise<'yes' | 'no' | 'unknown'> {
  // They may come from a registry: only an object id becomes an argument.
  if (!OBJECT_ID.test(ancestor) || !OBJECT_ID.test(descendant)) return 'unknown';
  const { exitCode } = await git.run(['merge-base', '--is-ancestor', ancestor, descendant]);
  if (exitCode === 0) return 'yes';
  // In a shallow clone a missing path proves nothing.
  return exitCode === 1 && !(await isShallow(git)) ? 'no' : 'unknown';
}

/** See `FileHistory.pastObjects`. */
export async function pastObjects(git: Git, path: string): Promise<readonly string[]> {
  const log = await git.expect([
    'log',
    '--follow',
    '--format=',
    '--raw',
    '--no-abbrev',
    '--no-ext-diff',
    '--no-textconv',
    '-z',
    '--end-of-options',
    'HEAD',
    '--',
    path,
  ]);
  // git-diff, "Raw output format": `:100644 100644 OLD NEW M`, then the path or both paths.
  const states = text(log)
    .split('\0')
    .filter((part) => part.startsWith(':'))
    .flatMap((line) => {
      const [oldMode, mode, oldObject = '', object = ''] = line.slice(1).split(' ');
      return [
        { mode, object },
        { mode: oldMode, object: oldObject },
      ];
    });
  return [...new Set(states.flatMap(({ mode, object }) => (mode?.startsWith('100') ? [object] : [])))];
}

async function isShallow(git: Git): Promise<boolean> {
  return text(await git.expect(['rev-parse', '--is-shallow-repository'])).trim() === 'true';
}

/** See `History.deepen`. */
export async function deepen(git: Git, [remote]: readonly Remote[]): Promise<void> {
  if (!(await isShallow(git))) return;
  const result =
    remote === undefined
      ? undefined
      : await git.run([
          'fetch',
          '--unshallow',
          '--filter=tree:0',
          '--no-tags',
          '--no-recurse-submodules',
          '--no-write-fetch-head',
          '--no-auto-maintenance',
          '--quiet',
          '--end-of-options',
          remote.name,
        ]);
  if (result?.exitCode === 0) return;
  throw new PrimitiveError('git-deepen-failed', 'Cannot fetch the missing history of this shallow clone', {
    why: result === undefined ? 'the repository has no remote' : gitWords(result),
    suggestions: [
      'Check out the whole history: actions/checkout with `fetch-depth: 0` (and `filter: tree:0` to keep it small).',
      'Or keep the credentials of the checkout: `persist-credentials: true`.',
    ],
    exit: 3,
    retryable: true,
  });
}
