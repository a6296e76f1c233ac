import { PrimitiveError } from '../errors.ts';
import { type Glob, type GlobMatcher, isInput } from './globs.ts';
import type { Listing } from './listing.ts';
import type { Component } from './primitives.ts';
import type { TreeEntry } from './source-tree.ts';

/** The files that a component takes in, before anything was judged about them. */
export interface InputScope {
  readonly component: Component;
  /** Paths relative to the context, sorted by code unit. */
  readonly entries: readonly TreeEntry[];
  /** Whether a path (relative to the root of the tree) is an input, or would be if it were committed. */
  readonly covers: (path: string) => boolean;
}

/**
 * The part of the tree that is a component's build context: all of it, or what `inputs` name and what the builder
 * itself reads (Dockerfile and ignore files).
 *
 * Throws `context-empty`, `dockerfile-missing` or `inputs-glob-empty` (exit 2).
 */
export function scopeOf(component: Component, listing: Listing, matcher: GlobMatcher): InputScope {
  const { context, dockerfile, inputs } = component.build;
  const prefix = context === '' ? '' : `${context}/`;
  const [start, end] = listing.range(context);
  if (start === end) throw emptyContext(component);
  if (!listing.has(prefix + dockerfile)) throw missingDockerfile(component, prefix + dockerfile);
  const always = [dockerfile, `${dockerfile}.dockerignore`, '.dockerignore'];
  const globs = inputs?.map((text) => matcher.compile(text));
  const chosen = globs && chosenPositions(component, globs, listing, matcher, always);
  const entries =
    chosen?.flatMap((position) => listing.entries[position] ?? []) ?? listing.entries.slice(start, end);
  return {
    component,
    entries:
      prefix === '' ? entries : entries.map((entry) => ({ ...entry, path: entry.path.slice(prefix.length) })),
    covers: (path) => {
      if (!path.startsWith(prefix)) return false;
      const relative = path.slice(prefix.length);
      return globs === undefined || always.includes(relative) || isInput(globs, relative);
    },
  };
}

function chosenPositions(
  component: Component,
  globs: readonly Glob[],
  listing: Listing,
  matcher: GlobMatcher,
  always: readonly string[],
): readonly number[] {
  const { context } = component.build;
  const prefix = context === '' ? '' : `${context}/`;
  const chosen = new Set<number>();
  for (const glob of globs) {
    const matching = matcher.matching(context, glob);
    // More likely misspelt than meant, and silence would be an image without those files.
    if (matching.length === 0 && !glob.negated) throw emptyGlob(component, glob, listing);
    for (const position of matching) {
      if (glob.negated) chosen.delete(position);
      else chosen.add(position);
    }
  }
  for (const path of always) {
    const position = listing.position(prefix + path);
    if (position !== undefined) chosen.add(position);
  }
  return [...chosen].sort((a, b) => a - b);
}

function emptyContext({ id, build }: Component): PrimitiveError {
  return new PrimitiveError(
    'context-empty',
    `The build context of ${id} has no file at HEAD: ${build.context}`,
    {
      why: 'it is not committed, or build.context in its primitive.yaml names another folder',
      suggestions: [`git add ${build.context} && git commit`],
    },
  );
}

function missingDockerfile({ id, path }: Component, dockerfile: string): PrimitiveError {
  return new PrimitiveError('dockerfile-missing', `${id} has no Dockerfile at HEAD: ${dockerfile}`, {
    why: 'images are built from what is committed',
    suggestions: [
      `git add ${dockerfile} && git commit`,
      `Or name the file in ${path}/primitive.yaml: \`build: { dockerfile: … }\`, relative to that folder.`,
    ],
  });
}

function emptyGlob({ id, path, build }: Component, { pattern }: Glob, listing: Listing): PrimitiveError {
  const folder = build.context === '' ? pattern : `${build.context}/${pattern}`;
  const where = build.context === '' ? 'the repository' : build.context;
  return new PrimitiveError(
    'inputs-glob-empty',
    `The input \`${pattern}\` of ${id} matches no file of ${where} at HEAD.`,
    {
      why: listing.hasFolder(folder)
        ? 'it names a folder, and patterns match files'
        : 'patterns are relative to the context',
      suggestions: [
        listing.hasFolder(folder)
          ? `Use \`${pattern}/**\`.`
          : `Correct or remove it in ${path}/primitive.yaml, or commit the files.`,
      ],
    },
  );
}
