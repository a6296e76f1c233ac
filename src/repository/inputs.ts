import { posix, relative, sep } from 'node:path';
import { PrimitiveError } from '../core/errors.ts';
import { shellWord, showPath } from '../core/show-path.ts';
import type { Component } from './component.ts';
import type { ConfigLocation } from './discovery.ts';
import { findEntry } from './folders.ts';
import { type InputFiles, inputDigest } from './input-digest.ts';
import { type InputScope, readScopes } from './input-scope.ts';
import type { CommitTree, DirtyFile } from './source-tree.ts';

export interface ComponentInputs {
  readonly component: Component;
  /** 64 hex digits; see `inputDigest`. */
  readonly inputDigest: string;
  /** The build context: nothing was judged about it yet, see `checkContexts`. */
  readonly files: InputFiles;
}

/** {@link ComponentInputs} at HEAD, and how the work tree differs from them. */
export interface ObservedInputs extends ComponentInputs {
  readonly changes: readonly DirtyFile[];
}

const MAX_LISTED = 20;

/**
 * The inputs of each component at HEAD, and their digest.
 *
 * Refuses with exit 2, naming the files: what would not be in the image as the work tree shows it (`inputs-dirty`),
 * and what is not there (`context-empty`, `inputs-glob-empty`, `config-uncommitted`). What a build needs of them besides
 * is judged if one is due, by `checkContexts`. Throws what git throws.
 */
export async function readInputs(
  tree: CommitTree,
  components: readonly Component[],
  location: ConfigLocation,
): Promise<readonly ComponentInputs[]> {
  const config = relative(tree.root, location.path).split(sep).join('/');
  const [observed, changes, committed] = await Promise.all([
    observeInputs(tree, components),
    tree.changes(),
    findEntry(tree, config),
  ]);
  checkClean(observed, changes, config);
  if (committed === undefined) throw uncommittedConfig(config);
  return observed;
}

/** As {@link readInputs}, also in a work tree with changes. */
export async function observeInputs(
  tree: CommitTree,
  components: readonly Component[],
): Promise<readonly ObservedInputs[]> {
  const [changes, scopes] = await Promise.all([tree.changes(), readScopes(tree, components)]);
  return scopes.map((scope) => ({
    component: scope.component,
    files: scope.files,
    inputDigest: digestOf(scope),
    changes: changes.filter(({ path }) => touches(scope, path)),
  }));
}

function digestOf({ component, files }: InputScope): string {
  return inputDigest({
    ...component.build,
    kind: component.kind,
    name: component.name,
    repository: component.repository,
    secrets: component.build.secrets.map(({ id }) => id),
    files,
  });
}

/** Refuses what a person sees in the work tree and would miss in the image. */
function checkClean(
  observed: readonly ObservedInputs[],
  changes: readonly DirtyFile[],
  config: string,
): void {
  const users = new Map<string, string[]>();
  for (const { component, changes: own } of observed) {
    for (const { path } of own) users.set(path, [...(users.get(path) ?? []), component.id]);
  }
  const dirty = changes.flatMap(({ path, state }) => {
    const all = [...(path === config ? ['config'] : []), ...(users.get(path) ?? [])];
    return all.length === 0 ? [] : [{ path, state, users: all }];
  });
  if (dirty.length === 0) return;
  const lines = dirty
    .slice(0, MAX_LISTED)
    .map(
      ({ path, state, users }) =>
        `${showPath(path)} (${state}; ${users.slice(0, 3).join(', ')}${users.length > 3 ? ', …' : ''})`,
    );
  const more = dirty.length > MAX_LISTED ? ` and ${dirty.length - MAX_LISTED} more` : '';
  throw new PrimitiveError('inputs-dirty', `Inputs differ from HEAD: ${lines.join(', ')}${more}`, {
    why: 'images are built from HEAD, without changes of the work tree',
    suggestions: [
      'git add --all && git commit',
      'git stash --include-untracked',
      'Or exclude files that are no input in .gitignore, or in `build.inputs` of primitive.yaml.',
    ],
  });
}

/** An untracked repository is reported as a single folder. */
function touches({ component, covers }: InputScope, path: string): boolean {
  if (path === `${component.path}/primitive.yaml` || path === ownKind(component) || covers(path)) return true;
  return path.endsWith('/') && covers(`${path}file`);
}

/** Folder of a component's kind if it is one of the repository's own. */
function ownKind({ path, kind }: Component): string {
  return posix.join(path, '../../../kinds', kind, 'kind.yaml');
}

function uncommittedConfig(config: string): PrimitiveError {
  return new PrimitiveError('config-uncommitted', `${config} is not committed.`, {
    why: 'it decides what is published and who is trusted, so it must be committed and reviewed',
    suggestions: [`git add --force ${shellWord(config)} && git commit`],
  });
}
