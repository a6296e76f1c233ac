import type { Kit } from './kit-document.ts';

/** A code repository whose components a kit deploys. */
export interface CodeRepository {
  /** `acme/app`. */
  readonly repository: string;
  /** Allowed values of `source` in component.yaml of its components; the repository itself is the first. */
  readonly names: readonly string[];
}

type Repositories = Pick<Kit, 'previews' | 'sources'>;

/** The code repositories of previews and of releases, each once; a component without `source` is of the first in previews. */
export function codeRepositoriesOf({ previews, sources = [] }: Repositories): readonly CodeRepository[] {
  const { repository, others = [] } = previews ?? {};
  const found: CodeRepository[] = repository === undefined ? [] : [{ repository, names: [repository] }];
  for (const other of others) found.push({ ...other, names: [other.repository, other.name] });
  for (const { repository: full } of sources) {
    if (found.some((one) => isSame(one.repository, full))) continue;
    found.push({ repository: full, names: [full] });
  }
  return found.map(({ repository: full, names }) => ({ repository: full, names }));
}

/**
 * The code repository whose releases a component with that `source` takes; undefined for a name that is none. Without
 * `source` it is that of `previews.repository`, or the first of `sources` if that one has no releases here.
 */
export function releasedBy(source: string | undefined, kit: Repositories): string | undefined {
  if (source !== undefined)
    return codeRepositoriesOf(kit).find(({ names }) => names.includes(source))?.repository;
  const { previews, sources = [] } = kit;
  const first = sources.find(({ repository }) => isSame(repository, previews?.repository ?? ''));
  return (first ?? sources[0])?.repository;
}

/** Code repositories that have previews and, beside `sources` of others, none of their own: they may be misspelt. */
export function unreleased(kit: Repositories): readonly string[] {
  const { previews, sources = [] } = kit;
  const { repository, others = [] } = previews ?? {};
  if (repository === undefined || sources.length === 0) return [];
  return [repository, ...others.map((other) => other.repository)].filter(
    (name) => !sources.some((source) => isSame(source.repository, name)),
  );
}

/** Whether two names are of one repository: GitHub does not tell cases apart. */
export function isSame(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}
