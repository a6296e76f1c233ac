import { digestOf } from '../../core/digest.ts';
import { PrimitiveError } from '../../core/errors.ts';
import type { Finding } from '../../core/finding.ts';
import { byKey } from '../../core/order.ts';
import { modelFiles } from '../kind.ts';
import type { RenderedFile } from '../render.ts';
import type { ProtoFile } from './connect/proto-file.ts';
import { ejectedFiles } from './eject.ts';
import type { BuiltIn, Generator, GeneratorInput, Made, ReadFile } from './generator.ts';
import { inPrimitive, isPlatform, moduleOf, platformGenerators, withoutHeader } from './platform.ts';

/**
 * By what `run` calls them, and version. What a version makes never changes: a primitive records the one that it has, and
 * only `scaffold --update` moves it.
 */
export const BUILT_IN: Readonly<Record<string, Readonly<Record<string, BuiltIn>>>> = {
  bpmn: { '1': { generate: generateModel } },
  connect: { '1': { generate: generateClient } },
  'connect-go': { '1': { generate: generateGoClient } },
  'connect-python': { '1': { generate: generatePythonClient } },
  events: { '1': { generate: generateEvents } },
  ...platformGenerators,
};

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

/**
 * Generators in the versions that a primitive records; those of its kind if it records none. Shared code is only for
 * those that record it: others have files of their own in its place, until an update.
 */
export function recordedGenerators(
  generators: readonly Generator[] = [],
  recorded: Readonly<Record<string, string>> = {},
): readonly Generator[] {
  return generators.flatMap((one) => {
    if (Object.hasOwn(recorded, one.id)) return [{ ...one, version: recorded[one.id] ?? one.version }];
    return isPlatform(one) ? [] : [one];
  });
}

/** The version of each generator by its id, as a primitive records it; undefined for a kind without generators. */
export function recordedVersions(
  generators: readonly Generator[] = [],
): Readonly<Record<string, string>> | undefined {
  return generators.length === 0
    ? undefined
    : Object.fromEntries(generators.map(({ id, version }) => [id, version]));
}

/** Files of a primitive that name its module or package, by their paths in it. */
export type Manifests = ReadonlyMap<string, Uint8Array>;

/** Rendered files together with what the built-in ones of some generators make of them, in the order of the paths. */
export async function withGenerated(
  generators: readonly Generator[],
  rendered: ReadonlyMap<string, RenderedFile>,
  {
    eject = [],
    manifests = new Map(),
    ...source
  }: Omit<GeneratorInput, 'read'> & {
    /** Files of shared code that its owner writes. */
    readonly eject?: readonly string[] | undefined;
    /** `go.mod` and `pyproject.toml` as they are there: they name the module or package. */
    readonly manifests?: Manifests;
  },
): Promise<{ readonly files: ReadonlyMap<string, RenderedFile>; readonly warnings: readonly Finding[] }> {
  const files = new Map(rendered);
  const warnings: Finding[] = [];
  const reader =
    (isOnDisk: boolean): ReadFile =>
    async (path) =>
      (isOnDisk ? manifests.get(path) : undefined) ?? rendered.get(path)?.bytes;
  const placed = await Promise.all(
    generators.map((one) => inPrimitive(one, { read: reader(true), shown: source.shown })),
  );
  const isEjected = ejectedFiles(eject, placed, source.shown);
  for (const [at, generator] of placed.entries()) {
    const read = reader(isPlatform(generator));
    const made = await builtIn(generator)?.generate(generator, { ...source, read });
    for (const [path, text] of made?.files ?? []) {
      const owned = withoutHeader(text);
      const [owner, written, other] = isEjected(path)
        ? (['impl', owned, text] as const)
        : (['generated', text, owned] as const);
      const known = `${generators[at]?.writes}${path.slice(generator.writes.length)}`;
      const shared = isPlatform(generator) ? { source: known, twin: digestOf(other) } : {};
      files.set(path, { bytes: new TextEncoder().encode(written), mode: '100644', owner, ...shared });
    }
    warnings.push(...(made?.warnings ?? []));
  }
  return { files: new Map([...files].sort(byKey)), warnings };
}

async function generateModel(generator: Generator, { read, shown, bpmn }: GeneratorInput): Promise<Made> {
  const { writes } = generator;
  const [source = ''] = modelFiles({ generators: [generator] });
  const bytes = await read(source);
  if (bytes === undefined) {
    throw new PrimitiveError('generator-input', `${shown}${source} is missing.`, {
      why: `the generator ${generator.id} reads it`,
    });
  }
  const module = await moduleOf(generator, read, shown);
  const [{ compileBpmn }, { goSource }, { checkSourceEvents }] = await Promise.all([
    import('./bpmn/compile.ts'),
    import('./bpmn/go.ts'),
    import('./bpmn/source-events.ts'),
  ]);
  const model = await compileBpmn(bytes, `${shown}${source}`, bpmn);
  const copy = generator.reads.find((path) => path.endsWith('.proto'));
  const proto = copy && (await read(copy));
  if (proto && bpmn !== undefined)
    checkSourceEvents(new TextDecoder().decode(proto), `${shown}${copy}`, bpmn);
  const text = goSource(model, source, `${module}/internal/engine`);
  return { files: new Map([[`${writes}/model/model.go`, text]]), warnings: model.warnings };
}

/** A client of the Connect protocol in TypeScript, for the services of one proto file; none without that file. */
async function generateClient({ reads, writes }: Generator, { read, shown }: GeneratorInput): Promise<Made> {
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

/** A client of the Connect protocol in Go. */
async function generateGoClient(generator: Generator, source: GeneratorInput): Promise<Made> {
  const { goClient } = await import('./connect/go.ts');
  return oneFileClient(generator, source, 'client.go', goClient);
}

/** A client of the Connect protocol in Python. */
async function generatePythonClient(generator: Generator, source: GeneratorInput): Promise<Made> {
  const { pythonClient } = await import('./connect/python.ts');
  return oneFileClient(generator, source, '__init__.py', pythonClient);
}

/** A client for the services of one proto file; none without that file, as of a primitive that calls none. */
async function oneFileClient(
  { reads, writes }: Generator,
  { read, shown }: GeneratorInput,
  name: string,
  clientOf: (file: ProtoFile, source: string) => string,
): Promise<Made> {
  const [source = ''] = reads;
  const bytes = await read(source);
  if (bytes === undefined) return { files: new Map(), warnings: [] };
  const { readProtoFile } = await import('./connect/proto-file.ts');
  const file = readProtoFile(new TextDecoder().decode(bytes), `${shown}${source}`);
  return { files: new Map([[`${writes}/${name}`, clientOf(file, source)]]), warnings: [] };
}

/** The events of one proto file in Go; none without that file. Throws `generator-input` if it declares none. */
async function generateEvents(
  { id, reads, writes }: Generator,
  { read, shown }: GeneratorInput,
): Promise<Made> {
  const [source = ''] = reads;
  const bytes = await read(source);
  // Of a person's own projection, or from before they were generated.
  if (bytes === undefined) return { files: new Map(), warnings: [] };
  const [{ readProtoFile }, { eventSchema }, { goEvents }] = await Promise.all([
    import('./connect/proto-file.ts'),
    import('./events/events.ts'),
    import('./events/go.ts'),
  ]);
  const schema = eventSchema(readProtoFile(new TextDecoder().decode(bytes), `${shown}${source}`));
  if (schema.events.length === 0) {
    throw new PrimitiveError('generator-input', `${shown}${source} declares no events.`, {
      why: `the generator ${id} reads them`,
      suggestions: ['option (primitive.events.v1.event) = {};'],
    });
  }
  return { files: new Map([[`${writes}/events.go`, goEvents(schema, source)]]), warnings: [] };
}
