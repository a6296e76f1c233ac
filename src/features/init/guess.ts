import { PrimitiveError } from '../../core/errors.ts';
import type { LanguageId } from '../../languages/all.ts';
import { joinRepository } from '../../oci/reference.ts';
import { guessEntries, type LanguageEntries } from '../../repository/language-entries.ts';

/** Facts about a repository that need no question. */
export interface InitFacts {
  /** `https://github.com/acme/app`. */
  readonly remote?: string | undefined;
  readonly branch?: string | undefined;
  /** The texts of the manifests at the root, such as `go.mod`, by language. */
  readonly manifests?: Partial<Readonly<Record<LanguageId, string>>> | undefined;
}

/** Values of the flags; each wins over a derived value. */
export interface InitFlags {
  /** `acme/app` on GitHub, or with a host: `gitlab.com/acme/app`. */
  readonly repository?: string | undefined;
  readonly registry?: string | undefined;
  readonly branch?: string | undefined;
}

/** Of a repository and its owner, at its host: a name can be had again by somebody else, an id cannot. */
export interface RepositoryIds {
  readonly repositoryId: string;
  readonly ownerId: string;
}

/** Everything that a config is written from. */
export interface InitAnswers {
  /** `github.com/acme/app`. */
  readonly repository: string;
  /** `ghcr.io/acme`. */
  readonly registry: string;
  /** Branch that publishes releases. */
  readonly branch: string;
  readonly ids?: RepositoryIds | undefined;
  readonly languages: LanguageEntries;
}

/** The answers so far; a question stays open if nothing answers it. */
export interface InitGuess {
  readonly repository: string | undefined;
  readonly registry: string | undefined;
  readonly branch: string;
}

/** Throws `invalid-flag` (exit 2) for a registry or branch that no config can have, `repository-invalid` (exit 2). */
export function checkFlags({ repository, registry, branch }: InitFlags): void {
  if (repository !== undefined) repositoryOf(repository);
  const faults = {
    registry: registry === undefined ? undefined : registryFault(registry),
    // git check-ref-format(1), as far as a branch could be taken for something else.
    branch:
      branch === undefined || /^[^\s*?~^:[\\]+$/.test(branch) ? undefined : 'it is not the name of a branch',
  };
  for (const [flag, fault] of Object.entries(faults)) {
    if (fault === undefined) continue;
    const value = flag === 'registry' ? registry : branch;
    throw new PrimitiveError('invalid-flag', `--${flag} ${JSON.stringify(value)} cannot be used: ${fault}.`, {
      suggestions: [flag === 'registry' ? '--registry ghcr.io/OWNER' : '--branch main'],
    });
  }
}

/** Why images cannot go to a registry; undefined if they can. */
export function registryFault(registry: string): string | undefined {
  if (registry === '') return 'it is empty';
  try {
    joinRepository(registry, 'image');
    return undefined;
  } catch (error) {
    if (!(error instanceof PrimitiveError)) throw error;
    return error.why ?? error.message;
  }
}

/** Pure: flags first, then the remote. */
export function guess(facts: InitFacts, flags: InitFlags): InitGuess {
  const repository = flags.repository === undefined ? ofRemote(facts.remote) : repositoryOf(flags.repository);
  return {
    repository,
    registry: flags.registry ?? (repository && knownRegistry(repository)),
    branch: flags.branch ?? facts.branch ?? 'main',
  };
}

/** The names that code gets: from the manifests at the root if those say it, else from the owner of the repository. */
export function namesOf(repository: string, { manifests }: InitFacts): LanguageEntries {
  const [, owner = ''] = repository.split('/');
  const word = owner
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_+|(?<!_)_+$/g, '');
  const identifier = /^[a-z]/.test(word) ? word : `o${word}`;
  // A module path has no port.
  const path = repository.replace(/:\d+/, '');
  return guessEntries({ repository: path, name: owner.toLowerCase(), identifier }, manifests);
}

/**
 * `acme/app`, `github.com/acme/app`, `https://github.com/acme/app.git` -> `github.com/acme/app`.
 *
 * Throws `repository-invalid` (exit 2).
 */
export function repositoryOf(text: string): string {
  const path = text
    .replace(/^https?:\/\//, '')
    .replace(/(?<!\/)\/+$/, '')
    .replace(/\.git$/, '');
  const parts = path.split('/');
  const whole = parts.length === 2 && path === text ? `github.com/${path}` : path;
  const fits = /^[a-z0-9.-]+\.[a-z0-9-]+(:\d+)?(\/[A-Za-z0-9_.-]+){2,}$/.test(whole);
  if (fits && !parts.some((part) => /^\.+$/.test(part))) return whole;
  throw new PrimitiveError('repository-invalid', `${JSON.stringify(text)} is not a repository.`, {
    suggestions: ['--repository OWNER/NAME', '--repository gitlab.example.com/OWNER/NAME'],
  });
}

/** A remote that is no place with an owner, such as a folder, answers nothing. */
function ofRemote(remote: string | undefined): string | undefined {
  try {
    return remote === undefined ? undefined : repositoryOf(remote);
  } catch {
    return undefined;
  }
}

/** The registry of a code host: `ghcr.io/acme` for `github.com/acme/app`; undefined if none is known. */
export function knownRegistry(repository: string): string | undefined {
  const [host, owner, ...rest] = repository.toLowerCase().split('/');
  if (host === 'github.com') return `ghcr.io/${owner}`;
  return host === 'gitlab.com' ? ['registry.gitlab.com', owner, ...rest].join('/') : undefined;
}
