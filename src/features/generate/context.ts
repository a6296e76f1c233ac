import { join, relative } from 'node:path';
import type { Processes } from '../../core/process.ts';
import type { Generator } from '../../kinds/generators/generator.ts';
import type { ConfigLocation } from '../../repository/discovery.ts';
import type { SkippedFolder } from '../../toolchain/folders.ts';
import { type Generated, type GeneratorContext, generate } from './generate.ts';
import type { OnDisk } from './on-disk.ts';
import { requireGenerator } from './programs.ts';

export interface GeneratorPorts {
  workspace(): Promise<{ readonly location: ConfigLocation }>;
  repositoryProcesses(tools: 'elsewhere'): Promise<Processes>;
  readonly variables: { readonly PATH?: string | undefined };
  readonly programs: { readonly skipped: readonly SkippedFolder[] };
  readonly platform: NodeJS.Platform;
  readonly temporary: string;
  readonly signal: AbortSignal;
}

export async function generatorContext({
  workspace,
  repositoryProcesses,
  variables,
  programs,
  platform,
  temporary,
  signal,
}: GeneratorPorts): Promise<Omit<GeneratorContext, 'check' | 'warn'>> {
  // Its `buf.gen.yaml` can name any plugin.
  const [{ location }, processes] = await Promise.all([workspace(), repositoryProcesses('elsewhere')]);
  const { skipped } = programs;
  return { root: location.root, processes, path: variables.PATH, skipped, platform, temporary, signal };
}

/** For doctor: finds the program of a generator. The check throws what {@link requireGenerator} throws. */
export function checkGenerator(ports: GeneratorPorts) {
  return async (generator: Generator): Promise<void> => {
    const { root, ...search } = await generatorContext(ports);
    await requireGenerator(generator, search, { cwd: root, signal: ports.signal });
  };
}

/** A primitive of a work tree; `path` is relative to the root of that, `files` to the primitive's folder. */
export interface TreePrimitive {
  readonly id: string;
  readonly kind: OnDisk['template'] | undefined;
  readonly path: string;
  readonly files: readonly string[];
  readonly manifest: OnDisk['manifest'];
}

/**
 * For verify: compares what generators make with the files of a primitive in the work tree; with `knownOnly` none of them
 * starts a program of the repository. Throws what {@link generate} throws.
 */
export function regenerate(ports: GeneratorPorts & { workTree(): Promise<{ readonly root: string }> }) {
  return async (
    { id, kind: template, path, files, manifest }: TreePrimitive,
    knownOnly: boolean,
  ): Promise<readonly Generated[]> => {
    if (template === undefined) return [];
    const [kind = '', name = ''] = id.split('/');
    const [context, tree] = await Promise.all([generatorContext(ports), ports.workTree()]);
    return generate(
      { id, kind, name, path: relative(context.root, join(tree.root, path)), template, manifest },
      // Warnings of a model are findings of its own rules.
      { ...context, check: true, knownOnly, listed: new Set(files), warn: () => {} },
    );
  };
}
