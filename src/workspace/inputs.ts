import { relative, sep } from 'node:path';
import { PrimitiveError } from '../errors.ts';
import type { ConfigLocation } from './discovery.ts';
import { GlobMatcher } from './globs.ts';
import { inputDigest } from './input-digest.ts';
import { checkLfs } from './lfs.ts';
import { checkLinks } from './links.ts';
import { Listing } from './listing.ts';
import type { Component } from './primitives.ts';
import { type InputScope, scopeOf } from './scope.ts';
import type { Change, SourceTree, TreeEntry } from './source-tree.ts';

/** What goes into one component's image. */
export interface ComponentInputs {
  readonly component: Component;
  /** 64 hex digits; see `inputDigest`. */
  readonly inputDigest: string;
  /** The build context: paths relative to it, sorted by code unit. */
  readonly entries: readonly TreeEntry[];
}

const MAX_LISTED = 20;

/**
 * The inputs of each component at HEAD, and their digest.
 *
 * Refuses with exit 2, naming the files: what would not be in the image as the work tree shows it (`inputs-dirty`),
 * what git does not hold (`inputs-submodule`, `inputs-lfs-pointer`), what cannot be written alike everywhere
 * (`inputs-name`, `inputs-link-escapes`), and what is not there (`context-empty`, `dockerfile-missing`,
 * `inputs-glob-empty`, `config-uncommitted`). Throws what git throws.
 */
export async function readInputs(
  tree: SourceTree,
  components: readonly Component[],
  location: ConfigLocation,
): Promise<readonly ComponentInputs[]> {
  const config = relative(tree.root, location.path).split(sep).join('/');
  const [entries, changes] = await Promise.all([tree.entries(), tree.changes()]);
  const listing = new Listing(entries);
  const matcher = new GlobMatcher(listing);
  const scopes = components.map((component) => scopeOf(component, listing, matcher));
  checkClean(scopes, changes, config);
  if (!listing.has(config)) throw uncommittedConfig(config);
  for (const scope of scopes) checkEntries(scope);
  await checkLinks(tree, scopes);
  await checkLfs(tree, listing, scopes, changes);
  return scopes.map(({ component, entries: files }) => ({
    component,
    entries: files,
    inputDigest: inputDigest({
      ...component.build,
      kind: component.kind,
      name: component.name,
      repository: component.repository,
      secrets: component.build.secrets.map(({ id }) => id),
      entries: files,
    }),
  }));
}

/** Refuses what a person sees in the work tree and would miss in the image. */
function checkClean(scopes: readonly InputScope[], changes: readonly Change[], config: string): void {
  const dirty = changes.flatMap(({ path, state }) => {
    const users = scopes.filter((scope) => touches(scope, path)).map(({ component }) => component.id);
    if (path === config) users.unshift('config');
    return users.length === 0 ? [] : [{ path, state, users }];
  });
  if (dirty.length === 0) return;
  const lines = dirty
    .slice(0, MAX_LISTED)
    .map(
      ({ path, state, users }) =>
        `${show(path)} (${state}; ${users.slice(0, 3).join(', ')}${users.length > 3 ? ', …' : ''})`,
    );
  const more = dirty.length > MAX_LISTED ? ` and ${dirty.length - MAX_LISTED} more` : '';
  throw new PrimitiveError(
    'inputs-dirty',
    `Inputs are not as they were committed: ${lines.join(', ')}${more}`,
    {
      why: 'an image is built from HEAD, so it would not hold what stands in the work tree',
      suggestions: [
        'git add --all && git commit',
        'git stash --include-untracked',
        'Or name what is no input in .gitignore, or by `build.inputs` in primitive.yaml.',
      ],
    },
  );
}

/** An untracked repository is reported as one folder, whatever is in it. */
function touches({ component, covers }: InputScope, path: string): boolean {
  if (path === `${component.path}/primitive.yaml` || covers(path)) return true;
  return path.endsWith('/') && covers(`${path}file`);
}

function checkEntries({ component, entries }: InputScope): void {
  for (const { path, mode, undecodable } of entries) {
    if (mode === '160000') throw submodule(component, path);
    if (undecodable) throw badName(component, path, 'its name is not UTF-8');
    if (ODD_PATH.test(path)) throw badName(component, path, 'no checkout would write such a path');
  }
}

/** A name that is empty, leads elsewhere, or that git keeps for itself: trees can be made by hand. */
const ODD_PATH = /(?:^|\/)(?:\.{0,2}|\.git)(?:\/|$)/i;

function submodule({ id, path }: Component, submodulePath: string): PrimitiveError {
  return new PrimitiveError('inputs-submodule', `${id}: ${show(submodulePath)} is a git submodule.`, {
    why: 'this repository holds only the id of a commit of another one, not its files',
    suggestions: [
      `Leave it out by \`build.inputs\` in ${path}/primitive.yaml: \`inputs: ["**", "!${submodulePath}"]\``,
      'Or bring its files in: git subtree add, a vendored copy, or a published package.',
    ],
  });
}

function badName({ id }: Component, path: string, why: string): PrimitiveError {
  return new PrimitiveError('inputs-name', `${id}: ${show(path)} cannot be part of a build context.`, {
    why,
    suggestions: ['git mv it to another name, or leave it out by `build.inputs` in primitive.yaml.'],
  });
}

function uncommittedConfig(config: string): PrimitiveError {
  return new PrimitiveError('config-uncommitted', `${config} is not committed.`, {
    why: 'it decides what is published and whom to trust, so it must be reviewed like the code',
    suggestions: [`git add --force ${config} && git commit`],
  });
}

/** Odd names as JSON strings, so that a line feed in a name makes no line. */
function show(path: string): string {
  return /^[\w./@+~ -]+$/.test(path) ? path : JSON.stringify(path);
}
