import { PrimitiveError } from '../../core/errors.ts';
import type { Finding } from '../../core/finding.ts';
import { type Kind, modelFiles } from '../kind.ts';
import type { RenderedFile } from '../render.ts';
import type { ModelSettings } from './bpmn/model.ts';

/** One of a kind's `generators`. */
export type Generator = NonNullable<Kind['generators']>[number];

/** The bytes of a file below the primitive's folder; undefined if it is missing. */
export type ReadFile = (path: string) => Promise<Uint8Array | undefined>;

/** One version of a generator that is part of this package: what it makes depends on the files that it reads alone. */
export interface BuiltIn {
  readonly generate: (generator: Generator, source: Source) => Promise<Made>;
}

/** Input of a built-in generator. */
export interface Source {
  readonly read: ReadFile;
  /** Put before paths in messages. */
  readonly shown: string;
  /** Of the primitive's `primitive.yaml`. */
  readonly bpmn?: ModelSettings | undefined;
}

/** Output of a built-in generator. */
export interface Made {
  /** Path below the primitive's folder -> text. */
  readonly files: ReadonlyMap<string, string>;
  /** Of what it read. */
  readonly warnings: readonly Finding[];
}

/**
 * By what `run` calls them, and version. What a version makes never changes: a primitive records the one that it has, and
 * only `scaffold --update` moves it.
 */
const BUILT_IN: Readonly<Record<string, Readonly<Record<string, BuiltIn>>>> = {
  bpmn: { '1': { generate: generateModel } },
  connect: { '1': { generate: generateClient } },
};

/** The names of the built-in generators. */
export const builtInNames: readonly string[] = Object.keys(BUILT_IN);

/** The built-in generator that is meant, if one is. Throws `generator-version` (exit 2). */
export function builtIn({ id, run, version }: Generator): BuiltIn | undefined {
  const versions = Object.hasOwn(BUILT_IN, run) ? BUILT_IN[run] : undefined;
  const found = versions !== undefined && Object.hasOwn(versions, version) ? versions[version] : undefined;
  if (versions === undefined || found !== undefined) return found;
  throw new PrimitiveError(
    'generator-version',
    `The built-in generator ${run} has no version ${version}, which ${id} requires.`,
    {
      why: `This version of primitive has: ${Object.keys(versions).join(', ')}`,
      suggestions: ['Use the version of primitive that it was made for, or: primitive scaffold --update'],
    },
  );
}

/** Generators in the versions that a primitive records; those of its kind where it records none. */
export function recordedGenerators(
  generators: readonly Generator[] = [],
  recorded: Readonly<Record<string, string>> = {},
): readonly Generator[] {
  return generators.map((one) =>
    Object.hasOwn(recorded, one.id) ? { ...one, version: recorded[one.id] ?? one.version } : one,
  );
}

/** The version of each generator by its id, as a primitive records it; undefined for a kind without generators. */
export function recordedVersions(
  generators: readonly Generator[] = [],
): Readonly<Record<string, string>> | undefined {
  return generators.length === 0
    ? undefined
    : Object.fromEntries(generators.map(({ id, version }) => [id, version]));
}

/** Rendered files together with what the built-in ones of some generators make of them, in the order of the paths. */
export async function withGenerated(
  generators: readonly Generator[],
  rendered: ReadonlyMap<string, RenderedFile>,
  source: Omit<Source, 'read'>,
): Promise<{ readonly files: ReadonlyMap<string, RenderedFile>; readonly warnings: readonly Finding[] }> {
  const files = new Map(rendered);
  const warnings: Finding[] = [];
  const read: ReadFile = async (path) => rendered.get(path)?.bytes;
  for (const generator of generators) {
    const made = await builtIn(generator)?.generate(generator, { ...source, read });
    for (const [path, text] of made?.files ?? []) {
      files.set(path, { bytes: new TextEncoder().encode(text), mode: '100644', owner: 'generated' });
    }
    warnings.push(...(made?.warnings ?? []));
  }
  return { files: new Map([...files].sort(([a], [b]) => (a < b ? -1 : 1))), warnings };
}

async function generateModel(generator: Generator, { read, shown, bpmn }: Source): Promise<Made> {
  const { id, writes } = generator;
  const [source = ''] = modelFiles({ generators: [generator] });
  const [bytes, goMod] = await Promise.all([read(source), read('go.mod')]);
  const module = /^module\s+([\w.~/-]+)/m.exec(new TextDecoder().decode(goMod))?.[1];
  if (bytes === undefined || module === undefined) {
    const missing = bytes === undefined ? `${shown}${source} is missing.` : `${shown}go.mod names no module.`;
    throw new PrimitiveError('generator-input', missing, { why: `the generator ${id} reads it` });
  }
  const [{ compileBpmn }, { goSource }] = await Promise.all([
    import('./bpmn/compile.ts'),
    import('./bpmn/go.ts'),
  ]);
  const model = await compileBpmn(bytes, `${shown}${source}`, bpmn);
  const text = goSource(model, source, `${module}/internal/engine`);
  return { files: new Map([[`${writes}/model/model.go`, text]]), warnings: model.warnings };
}

/** A client of the Connect protocol in TypeScript, for the services of one proto file; none without that file. */
async function generateClient({ reads, writes }: Generator, { read, shown }: Source): Promise<Made> {
  const [source = ''] = reads;
  const bytes = await read(source);
  // Of a person's own surface, or from before there were clients.
  if (bytes === undefined) return { files: new Map(), warnings: [] };
  const [{ readProtoFile }, { clientSource }, { JSON_SOURCE }] = await Promise.all([
    import('./connect/proto-file.ts'),
    import('./connect/typescript.ts'),
    import('./connect/json.ts'),
  ]);
  const file = readProtoFile(new TextDecoder().decode(bytes), `${shown}${source}`);
  const files = new Map([
    [`${writes}/client.ts`, clientSource(file, source)],
    [`${writes}/json.ts`, JSON_SOURCE],
  ]);
  return { files, warnings: [] };
}
