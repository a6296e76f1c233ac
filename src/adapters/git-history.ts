import { PrimitiveError } from '../errors.ts';
import { type Git, gitWords, text } from './git-command.ts';

const OBJECT_ID = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

/** See `History.isAncestor`. */
export async function isAncestor(
  git: Git,
  ancestor: string,
  descendant: string,
): Promise<'yes' | 'no' | 'unknown'> {
  // They may come from a registry: nothing but an id becomes an argument.
  if (!OBJECT_ID.test(ancestor) || !OBJECT_ID.test(descendant)) return 'unknown';
  const { exitCode } = await git.run(['merge-base', '--is-ancestor', ancestor, descendant]);
  if (exitCode === 0) return 'yes';
  // Where the history is cut off, no path found proves nothing.
  return exitCode === 1 && !(await isShallow(git)) ? 'no' : 'unknown';
}

async function isShallow(git: Git): Promise<boolean> {
  return text(await git.expect(['rev-parse', '--is-shallow-repository'])).trim() === 'true';
}

/** See `History.deepen`. */
export async function deepen(git: Git): Promise<void> {
  if (!(await isShallow(git))) return;
  const remote = (await remotes(git))[0];
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
  throw new PrimitiveError(
    'git-deepen-failed',
    'The history that this shallow clone lacks could not be fetched.',
    {
      why: result === undefined ? 'the repository has no remote' : gitWords(result),
      suggestions: [
        'Check the whole history out: actions/checkout with `fetch-depth: 0` (and `filter: tree:0` to keep it small).',
        'Or let the checkout keep its credentials: `persist-credentials: true`.',
      ],
      exit: 3,
      retryable: true,
    },
  );
}

/** Origin first, then by name; as configured, since `git remote get-url` would put in what `insteadOf` hides. */
async function remotes(git: Git): Promise<readonly { name: string; url: string }[]> {
  const result = await git.run(['config', '--null', '--get-regexp', String.raw`^remote\..+\.url$`]);
  const found = text(result)
    .split('\0')
    .filter((record) => record.includes('\n'))
    .map((record) => ({
      name: record.slice('remote.'.length, record.indexOf('\n') - '.url'.length),
      url: record.slice(record.indexOf('\n') + 1),
    }));
  const rank = (name: string) => (name === 'origin' ? '' : name);
  return found.sort((a, b) => (rank(a.name) < rank(b.name) ? -1 : 1));
}

/** See `History.remoteUrl`. */
export async function remoteUrl(git: Git): Promise<string | undefined> {
  const [first, ...others] = await remotes(git);
  if (first === undefined || (first.name !== 'origin' && others.length > 0)) return undefined;
  return publicUrl(first.url);
}

/** `git@host:a/b.git`, `ssh://git@host:22/a/b`, `https://token@host/a/b.git` -> `https://host/a/b`. */
function publicUrl(remote: string): string | undefined {
  const scp = /^(?:[^@/:]+@)?([A-Za-z0-9][A-Za-z0-9.-]+):(?!\/\/|:)\/?(.+)$/.exec(remote);
  const url = URL.parse(scp === null ? remote : `ssh://${scp[1]}/${scp[2]}`);
  if (url === null || url.hostname === '' || !/^(?:https?|ssh|git):$/.test(url.protocol)) return undefined;
  // A port of ssh says nothing about the web address.
  const host = url.protocol.startsWith('http') ? url.host : url.hostname;
  const scheme = url.protocol === 'http:' ? 'http' : 'https';
  return `${scheme}://${host}${url.pathname.replace(/\/+$/, '').replace(/\.git$/, '')}`;
}
