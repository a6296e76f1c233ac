import { type Git, text } from './git-command.ts';
import type { ConfigEntry } from './git-config.ts';

/** A remote of the repository, as it is configured. */
export interface Remote {
  readonly name: string;
  /** `git remote get-url` would put in what `insteadOf` adds, which can be a token. */
  readonly url: string;
  /** Whether git may fetch from it what a partial clone left out. */
  readonly promisor: boolean;
}

/** All remotes of a configuration, origin first, then by name. */
export function remotesOf(configuration: readonly ConfigEntry[]): readonly Remote[] {
  const remotes = new Map<string, { name: string; url?: string; promisor: boolean }>();
  for (const { key: whole, value } of configuration) {
    const [, name, key] = /^remote\.(.+)\.(url|promisor)$/s.exec(whole) ?? [];
    if (name === undefined) continue;
    const remote = remotes.get(name) ?? { name, promisor: false };
    if (key === 'url') remote.url ??= value;
    else remote.promisor = value === 'true';
    remotes.set(name, remote);
  }
  const rank = ({ name }: Remote) => (name === 'origin' ? '' : name);
  return [...remotes.values()]
    .flatMap(({ url, ...remote }) => (url === undefined ? [] : { ...remote, url }))
    .sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
}

/** See `History.remoteUrl`. */
export function remoteUrl([first, ...others]: readonly Remote[]): string | undefined {
  if (first === undefined || (first.name !== 'origin' && others.length > 0)) return undefined;
  return publicUrl(first.url);
}

/** Hosts that take ssh at the port of HTTPS, for networks without port 22, and the host that they are of. */
const SSH_OVER_443: ReadonlyMap<string, string> = new Map([
  ['ssh.github.com', 'github.com'],
  ['altssh.gitlab.com', 'gitlab.com'],
]);

/** `git@host:a/b.git`, `ssh://git@host:22/a/b`, `https://token@host/a/b.git` -> `https://host/a/b`. */
function publicUrl(remote: string): string | undefined {
  const scp = /^(?:[^@/:]+@)?([A-Za-z0-9][A-Za-z0-9.-]+):(?!\/\/|:)\/?(.+)$/.exec(remote);
  const url = URL.parse(scp === null ? remote : `ssh://${scp[1]}/${scp[2]}`);
  if (url === null || url.hostname === '' || !/^(?:https?|ssh|git):$/.test(url.protocol)) return undefined;
  // A port of ssh says nothing about the web address.
  const host = url.protocol.startsWith('http') ? url.host : (SSH_OVER_443.get(url.hostname) ?? url.hostname);
  const scheme = url.protocol === 'http:' ? 'http' : 'https';
  return `${scheme}://${host}${url.pathname.replace(/(?<!\/)\/+$/, '').replace(/\.git$/, '')}`;
}

/**
 * Fetches in one go which of the objects a partial clone lacks; git itself would make a connection for each.
 * The rest is left to git, and to its error.
 */
export async function fetchMissing(
  git: Git,
  remotes: readonly Remote[],
  commit: string,
  objects: readonly string[],
): Promise<void> {
  const remote = remotes.find(({ promisor }) => promisor);
  if (remote === undefined) return;
  const listed = await git.run(['rev-list', '--objects', '--no-walk', '--missing=print', commit]);
  const missing = new Set(text(listed).match(/(?<=^\?)[0-9a-f]+$/gm));
  const wanted = [...new Set(objects)].filter((object) => missing.has(object));
  if (wanted.length === 0) return;
  await git.run(
    [
      '-c',
      // Nothing is to be negotiated: these objects, and nothing that leads to them.
      'fetch.negotiationAlgorithm=noop',
      'fetch',
      '--quiet',
      '--filter=blob:none',
      '--no-tags',
      '--no-recurse-submodules',
      '--no-write-fetch-head',
      '--no-auto-maintenance',
      '--stdin',
      '--end-of-options',
      remote.name,
    ],
    { input: `${wanted.join('\n')}\n` },
  );
}
