import { type GitRepository, openRepository } from '../../src/adapters/git.ts';
import { createProcesses } from '../../src/adapters/process.ts';
import { PrimitiveError } from '../../src/core/errors.ts';
import type { Finding } from '../../src/core/finding.ts';
import { bundledKinds, openKinds } from '../../src/kinds/kind.ts';
import { contextEntries } from '../../src/repository/build-context.ts';
import { checkContexts } from '../../src/repository/check-contexts.ts';
import type { Component } from '../../src/repository/component.ts';
import { type Config, loadConfig } from '../../src/repository/config.ts';
import { type ConfigLocation, findConfig } from '../../src/repository/discovery.ts';
import { type ComponentInputs, readInputs } from '../../src/repository/inputs.ts';
import { readComponents } from '../../src/repository/primitives.ts';
import type { TreeEntry } from '../../src/repository/source-tree.ts';
import { type FileContent, gitEnvironment } from './git.ts';

/** All that commands learn of a repository, read as they read it. */
export interface OpenedWorkspace {
  readonly tree: GitRepository;
  readonly location: ConfigLocation;
  readonly config: Config;
  readonly components: readonly Component[];
  readonly warnings: readonly Finding[];
  inputs(): Promise<readonly ComponentInputs[]>;
  /** The inputs as they are once a build of all of them is due: judged, and with their files. */
  contexts(): Promise<readonly (ComponentInputs & { readonly entries: readonly TreeEntry[] })[]>;
}

/** Opens the workspace around a folder with real git. */
export async function openWorkspace(
  cwd: string,
  environment: NodeJS.ProcessEnv = gitEnvironment,
): Promise<OpenedWorkspace> {
  const location = await findConfig({ cwd });
  const tree = await openRepository(createProcesses(environment), location.root);
  const config = await loadConfig(location, '1.0.0');
  const kinds = await openKinds({ bundled: bundledKinds() });
  const { components, warnings } = await readComponents(tree, { location, config, kinds });
  return {
    tree,
    location,
    config,
    components,
    warnings,
    inputs: () => readInputs(tree, components, location),
    contexts: async () => {
      const inputs = await readInputs(tree, components, location);
      await checkContexts(tree, inputs);
      return Promise.all(inputs.map(async (one) => ({ ...one, entries: await contextEntries(tree, one) })));
    },
  };
}

/** The files of a workspace with one component `domain/orders`; `files` are relative to the component's folder. */
export function oneComponent(
  files: Readonly<Record<string, FileContent>> = {},
  build = '',
): Record<string, FileContent> {
  const folder = 'primitives/domain/orders';
  return {
    'primitive.config.yaml': 'registry: ghcr.io/acme\n',
    [`${folder}/primitive.yaml`]: `kind: domain\nname: orders\n${build === '' ? '' : `build: ${build}\n`}`,
    [`${folder}/Dockerfile`]: 'FROM scratch\nCOPY . /\n',
    ...Object.fromEntries(Object.entries(files).map(([path, content]) => [`${folder}/${path}`, content])),
  };
}

/** The error that something ends with; fails where there is none or it is not ours. */
export async function refusal(promise: Promise<unknown>): Promise<PrimitiveError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof PrimitiveError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}
