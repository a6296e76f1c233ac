import { PrimitiveError } from '../core/errors.ts';
import { shellWord, showPath } from '../core/show-path.ts';
import { type BuildContext, contextEntries } from './build-context.ts';
import type { Component } from './component.ts';
import { pathIn } from './folders.ts';
import type { ComponentInputs } from './inputs.ts';
import { checkLfs } from './lfs.ts';
import { checkLinks } from './links.ts';
import type { CommitTree } from './source-tree.ts';

/**
 * Checks what is about to be built, before the first effect. What was built and sealed from the same input digest was
 * checked then, and is not checked again.
 *
 * Refuses with exit 2, naming the files: what git does not hold (`inputs-submodule`, `inputs-lfs-pointer`), what cannot
 * be written alike everywhere (`inputs-name`, `inputs-link-escapes`), and a missing Dockerfile (`dockerfile-missing`).
 * Throws what git throws.
 */
export async function checkContexts(tree: CommitTree, inputs: readonly ComponentInputs[]): Promise<void> {
  const contexts = await Promise.all(
    inputs.map(async (one) => ({ component: one.component, entries: await contextEntries(tree, one) })),
  );
  for (const context of contexts) checkEntries(context);
  await checkLinks(tree, contexts);
  await checkLfs(tree, contexts);
}

function checkEntries({ component, entries }: BuildContext): void {
  const { context, dockerfile } = component.build;
  if (!entries.some(({ path }) => path === dockerfile)) {
    throw missingDockerfile(component, pathIn(context, dockerfile));
  }
  for (const { path, mode, undecodable } of entries) {
    if (mode === '160000') throw submodule(component, path);
    if (undecodable) throw badName(component, path, 'its name is not UTF-8');
    if (ODD_PATH.test(path)) throw badName(component, path, 'no checkout would write such a path');
  }
}

/** A name that is empty, leads elsewhere, or that git keeps for itself: trees can be made by hand. */
const ODD_PATH = /(?:^|\/)(?:\.{0,2}|\.git)(?:\/|$)/i;

function submodule({ id, path }: Component, submodulePath: string): PrimitiveError {
  return new PrimitiveError(
    'inputs-submodule',
    `The input ${showPath(submodulePath)} of ${id} is a git submodule.`,
    {
      why: 'this repository has only the commit id of a submodule, not its files',
      suggestions: [
        `Exclude it in \`build.inputs\` of ${path}/primitive.yaml: \`inputs: ["**", "!${submodulePath}"]\``,
        'Or add its files: git subtree add, a vendored copy, or a published package.',
      ],
    },
  );
}

function badName({ id }: Component, path: string, why: string): PrimitiveError {
  return new PrimitiveError(
    'inputs-name',
    `The input ${showPath(path)} of ${id} cannot be part of a build context.`,
    {
      why,
      suggestions: ['Rename it with git mv, or exclude it in `build.inputs` of primitive.yaml.'],
    },
  );
}

function missingDockerfile({ id, path }: Component, dockerfile: string): PrimitiveError {
  return new PrimitiveError('dockerfile-missing', `${id} has no Dockerfile at HEAD: ${dockerfile}`, {
    why: 'images are built from committed files',
    suggestions: [
      `git add ${shellWord(dockerfile)} && git commit`,
      `Or set the file in ${path}/primitive.yaml: \`build: { dockerfile: … }\`, relative to that folder.`,
    ],
  });
}
