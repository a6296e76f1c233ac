import { PrimitiveError } from '../core/errors.ts';
import { shellWord } from '../core/show-path.ts';
import type { Component } from './component.ts';
import { type Folder, findEntries, listFiles, parentsOf, pathIn } from './folders.ts';
import { type Glob, GlobMatcher, globRoot, isInput } from './globs.ts';
import type { InputFiles } from './input-digest.ts';
import { Listing } from './listing.ts';
import type { CommitTree, TreeEntry } from './source-tree.ts';

/** Files that a component includes, before any check. */
export interface InputScope {
  readonly component: Component;
  readonly files: InputFiles;
  /** Whether a path (relative to the root of the tree) is an input, or would be if it were committed. */
  readonly covers: (path: string) => boolean;
}

/**
 * The part of the tree that is each component's build context: all of a folder, of which nothing but its object id
 * needs to be known, or what `inputs` name and what the builder itself reads (Dockerfile and ignore files).
 *
 * Throws `context-empty` or `inputs-glob-empty` (exit 2), and what {@link CommitTree.readFolders} throws.
 */
export async function readScopes(
  tree: CommitTree,
  components: readonly Component[],
): Promise<readonly InputScope[]> {
  const folders = await findEntries(
    tree,
    components.map(({ build }) => build.context),
  );
  const chooser = new Chooser(await listCandidates(tree, components));
  return components.map((component, i) => {
    const folder = folders[i];
    if (folder?.mode !== '040000') throw emptyContext(component);
    return component.build.inputs === undefined
      ? {
          component,
          files: { folder: folder.object },
          covers: (path) => pathInside(component, path) !== undefined,
        }
      : chooser.scope(component, component.build.inputs);
  });
}

/** A path relative to the context; undefined for one that is not in it. */
function pathInside({ build: { context } }: Component, path: string): string | undefined {
  if (context === '') return path;
  return path.startsWith(`${context}/`) ? path.slice(context.length + 1) : undefined;
}

/** The files that the builder reads besides those that a Dockerfile names. */
function builderFiles({ build: { dockerfile } }: Component): readonly string[] {
  return [dockerfile, `${dockerfile}.dockerignore`, '.dockerignore'];
}

/** Applies `inputs`: lists only folders if they can match something, and once however many components share it. */
class Chooser {
  readonly #listing: Listing;
  readonly #matcher: GlobMatcher;

  constructor(listing: Listing) {
    this.#listing = listing;
    this.#matcher = new GlobMatcher(listing);
  }

  scope(component: Component, inputs: readonly string[]): InputScope {
    const globs = inputs.map((text) => this.#matcher.compile(text));
    const always = builderFiles(component);
    return {
      component,
      files: { entries: this.#entries(component, globs, always) },
      covers: (path) => {
        const inside = pathInside(component, path);
        return inside !== undefined && (always.includes(inside) || isInput(globs, inside));
      },
    };
  }

  #entries(component: Component, globs: readonly Glob[], always: readonly string[]): readonly TreeEntry[] {
    const { context } = component.build;
    const chosen = positionsOf(this.#listing, this.#matcher, { context, globs, always }, (glob) => {
      // More likely misspelt than meant, and silence would be an image without those files.
      throw emptyGlob(component, glob, this.#listing);
    });
    const prefix = context === '' ? 0 : context.length + 1;
    return chosen
      .flatMap((position) => this.#listing.entries[position] ?? [])
      .map((entry) => ({ ...entry, path: entry.path.slice(prefix) }));
  }
}

/** The positions, in their order, of the files that patterns and names below a context take in. */
function positionsOf(
  listing: Listing<{ readonly path: string }>,
  matcher: GlobMatcher,
  {
    context,
    globs,
    always,
  }: { readonly context: string; readonly globs: readonly Glob[]; readonly always: readonly string[] },
  empty: (glob: Glob) => void = () => {},
): readonly number[] {
  const chosen = new Set<number>();
  for (const glob of globs) {
    const matching = matcher.matching(context, glob);
    if (matching.length === 0 && !glob.negated) empty(glob);
    for (const position of matching) {
      if (glob.negated) chosen.delete(position);
      else chosen.add(position);
    }
  }
  for (const path of always) {
    const position = listing.position(pathIn(context, path));
    if (position !== undefined) chosen.add(position);
  }
  return [...chosen].sort((a, b) => a - b);
}

/**
 * Of sorted paths, those that the build of each component takes in: all of its context, or what its `inputs` name and
 * what the builder itself reads. Relative to the root of the repository, as the paths are.
 */
export function shippedPaths(
  paths: readonly string[],
  components: readonly Component[],
): readonly (readonly string[])[] {
  const listing = new Listing(paths.map((path) => ({ path })));
  const matcher = new GlobMatcher(listing);
  return components.map((component) => {
    const { context, inputs } = component.build;
    if (inputs === undefined) return paths.slice(...listing.range(context));
    const globs = inputs.map((text) => matcher.compile(text));
    const chosen = positionsOf(listing, matcher, { context, globs, always: builderFiles(component) });
    return chosen.flatMap((position) => paths[position] ?? []);
  });
}

/** All files that any of the components' `inputs` could take in. */
async function listCandidates(tree: CommitTree, components: readonly Component[]): Promise<Listing> {
  const paths = new Set<string>();
  for (const component of components) {
    const { context, inputs } = component.build;
    if (inputs === undefined) continue;
    const roots = inputs.flatMap((text) => globRoot(text) ?? []);
    for (const path of [...roots, ...builderFiles(component)]) paths.add(pathIn(context, path));
  }
  const outermost = [...paths].filter((path) => !parentsOf(path).some((parent) => paths.has(parent)));
  const found = await findEntries(tree, outermost);
  const folders: Folder[] = [];
  const files: TreeEntry[] = [];
  for (const [i, path] of outermost.entries()) {
    const entry = found[i];
    if (entry?.mode === '040000') folders.push({ path, object: entry.object });
    else if (entry !== undefined) files.push({ path, mode: entry.mode, object: entry.object });
  }
  return new Listing(
    [...(await listFiles(tree, folders)), ...files].sort((a, b) => (a.path < b.path ? -1 : 1)),
  );
}

function emptyContext({ id, build }: Component): PrimitiveError {
  return new PrimitiveError(
    'context-empty',
    `The build context of ${id} has no file at HEAD: ${build.context}`,
    {
      why: 'it is not committed, or build.context in its primitive.yaml is wrong',
      suggestions: [`git add ${shellWord(build.context)} && git commit`],
    },
  );
}

function emptyGlob({ id, path, build }: Component, { pattern }: Glob, listing: Listing): PrimitiveError {
  const folder = pathIn(build.context, pattern);
  const where = build.context === '' ? 'the repository' : build.context;
  return new PrimitiveError(
    'inputs-glob-empty',
    `The input \`${pattern}\` of ${id} matches no file of ${where} at HEAD.`,
    {
      why: listing.hasFolder(folder)
        ? 'it is a folder, and patterns match files'
        : 'patterns are relative to the context',
      suggestions: [
        listing.hasFolder(folder)
          ? `Use \`${pattern}/**\`.`
          : `Correct or remove it in ${path}/primitive.yaml, or commit the files.`,
      ],
    },
  );
}
