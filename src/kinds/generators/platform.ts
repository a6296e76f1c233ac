import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { type Digest, digestOf } from '../../core/digest.ts';
import { PrimitiveError } from '../../core/errors.ts';
import { globMatcher } from '../../core/glob.ts';
import { byKey } from '../../core/order.ts';
import { packagePath } from '../../core/package.ts';
import type { Kind } from '../kind.ts';
import type { BuiltIn, Generator, GeneratorInput, Made } from './generator.ts';

/** Packages of the code that all services of a language share: each version, once released, stays as it is. */
const GO_1 = ['caller', 'credentials', 'issuer', 'lifecycle', 'probe', 'settings', 'telemetry'];
const OUTBOX_1 = ['jetstream', 'operations', 'outbox', 'queue', 'queue/migrations', 'rpc'];

/** Packages that are written only for a module whose `go.mod` requires another one. */
export const ONLY_WITH: ReadonlyMap<string, string> = new Map([['jetstream', 'github.com/nats-io/nats.go']]);

interface Platform {
  /** The folder of its sources in `templates/platform/`. */
  readonly language: 'go' | 'python' | 'typescript';
  /** The packages of each version, folders below that of the version. */
  readonly versions: Readonly<Record<string, readonly string[]>>;
}

/** By what `run` calls them. */
const PLATFORMS: Readonly<Record<string, Platform>> = {
  'platform-agent': {
    language: 'python',
    versions: { '1': ['.'] },
  },
  'platform-domain': {
    language: 'go',
    versions: { '1': [...GO_1, ...OUTBOX_1, 'postgres'] },
  },
  'platform-integration': {
    language: 'go',
    versions: { '1': [...GO_1, 'issuer/issuertest'] },
  },
  'platform-process': {
    language: 'go',
    versions: { '1': GO_1 },
  },
  'platform-projection': {
    language: 'go',
    versions: { '1': [...GO_1, 'postgres', 'rebuild'] },
  },
  'platform-uisurface': {
    language: 'typescript',
    versions: { '1': ['.'] },
  },
};

/** The module in the sources of the platform in Go; that of the primitive is put in its place. */
const MODULE = '"example.com/service/';

/** Code generators of the runtime that services of a kind share, by version. */
export const platformGenerators: Readonly<Record<string, Readonly<Record<string, BuiltIn>>>> =
  Object.fromEntries(
    Object.entries(PLATFORMS).map(([run, { versions }]) => [
      run,
      Object.fromEntries(Object.keys(versions).map((version) => [version, { generate }])),
    ]),
  );

/** Whether a generator writes shared runtime code, which a primitive may own instead: `eject` in its `primitive.yaml`. */
export function isPlatform({ run }: Pick<Generator, 'run'>): boolean {
  return Object.hasOwn(PLATFORMS, run);
}

/** The sources of what the platform generators of a kind write: path below the primitive -> digest. */
export function platformDigests(generators: Kind['generators'] = []): ReadonlyMap<string, Digest> {
  return new Map(
    generators
      .filter(isPlatform)
      .flatMap((one) => [...sourcesOf(one)].map(([path, text]) => [`${one.writes}/${path}`, digestOf(text)])),
  );
}

/** The part of the folder that a generator writes to that is the package of a primitive in Python. */
const PACKAGE = '[python]';

/**
 * A generator with the folder that it writes to in one primitive, whose package `pyproject.toml` names. Throws
 * `generator-input` (exit 2).
 */
export async function inPrimitive(
  generator: Generator,
  { read, shown }: Pick<GeneratorInput, 'read' | 'shown'>,
): Promise<Generator> {
  if (!generator.writes.includes(PACKAGE)) return generator;
  const { projectName } = await import('../../languages/python/manifests.ts');
  const name = projectName(new TextDecoder().decode(await read('pyproject.toml')));
  if (name === undefined) {
    throw new PrimitiveError('generator-input', `${shown}pyproject.toml names no project.`, {
      why: `the generator ${generator.id} reads it`,
    });
  }
  // As build backends name the package of a distribution.
  const folder = name.toLowerCase().replaceAll(/[-_.]+/g, '_');
  return { ...generator, writes: generator.writes.replace(PACKAGE, folder) };
}

/** Whether a path is in the folder that a generator writes to, whatever the package of the primitive is called. */
export function isWrittenBy({ writes }: Pick<Generator, 'writes'>): (path: string) => boolean {
  return globMatcher(`${writes.replace(PACKAGE, '*')}/**`);
}

/** Its files without the header, by their paths below the folder that the generator writes; sorted. */
function sourcesOf(
  { run, version }: Pick<Generator, 'run' | 'version'>,
  isWanted: (name: string) => boolean = () => true,
): ReadonlyMap<string, string> {
  const { language, versions = {} } = PLATFORMS[run] ?? {};
  const packages = (versions[version] ?? []).filter(isWanted);
  return new Map(
    packages.flatMap((name) => [...readPackage(`${language}`, name, Number(version))]).sort(byKey),
  );
}

/** A version has the files of the one before it that it does not replace; one that is empty is gone. */
function readPackage(language: string, name: string, version: number): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (let step = 1; step <= version; step += 1) {
    const folder = packagePath(`templates/platform/${language}/${step}/${name}`);
    if (!existsSync(folder)) continue;
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const text = readFileSync(join(folder, entry.name), 'utf8');
      const path = posix.join(name, entry.name);
      if (text === '') files.delete(path);
      else files.set(path, text);
    }
  }
  return files;
}

async function generate(generator: Generator, source: Pick<GeneratorInput, 'read' | 'shown'>): Promise<Made> {
  const { writes } = generator;
  const written = (files: ReadonlyMap<string, string>, replaced: (text: string) => string) => ({
    files: new Map(
      [...files].map(([path, text]) => [`${writes}/${path}`, headerOf(path) + replaced(text)] as const),
    ),
    warnings: [],
  });
  if (PLATFORMS[generator.run]?.language !== 'go') return written(sourcesOf(generator), (text) => text);
  const module = await moduleOf(generator, source.read, source.shown);
  const goMod = new TextDecoder().decode(await source.read('go.mod'));
  const isWanted = (name: string) => isRequired(ONLY_WITH.get(name), goMod);
  return written(sourcesOf(generator, isWanted), (text) => text.replaceAll(MODULE, `"${module}/`));
}

/**
 * The text with a digest that some version of a kind's platform generators made of a file, as generated or as its owner
 * has it, for the primitive whose `go.mod` or `pyproject.toml` is read; undefined if none did. What a version makes never changes, so that none is fetched.
 */
export async function pastPlatformFile(
  path: string,
  digest: Digest,
  generators: Kind['generators'] = [],
  source: Pick<GeneratorInput, 'read' | 'shown'>,
): Promise<string | undefined> {
  for (const one of generators.filter(isPlatform)) {
    if (!isWrittenBy(one)(path)) continue;
    const placed = await inPrimitive(one, source);
    for (const version of Object.keys(PLATFORMS[one.run]?.versions ?? {})) {
      const text = (await generate({ ...placed, version }, source)).files.get(path);
      const found = text && [text, withoutHeader(text)].find((known) => digestOf(known) === digest);
      if (found) return found;
    }
  }
  return undefined;
}

/** Whether a `go.mod` requires a module; true for none. */
function isRequired(module: string | undefined, goMod: string): boolean {
  if (module === undefined) return true;
  return goMod.split('\n').some((line) =>
    line
      .replace(/^\s*require\s/, '')
      .trim()
      .startsWith(`${module} `),
  );
}

/** The module of the primitive. Throws `generator-input` (exit 2). */
export async function moduleOf(
  { id }: Generator,
  read: GeneratorInput['read'],
  shown: string,
): Promise<string> {
  const goMod = new TextDecoder().decode(await read('go.mod'));
  const module = /^module\s+([\w.~/-]+)/m.exec(goMod)?.[1];
  if (module !== undefined) return module;
  throw new PrimitiveError('generator-input', `${shown}go.mod names no module.`, {
    why: `the generator ${id} reads it`,
  });
}

const HEADER = 'Code generated by primitive generate. DO NOT EDIT.';

const COMMENTS: Readonly<Record<string, string>> = { '.py': '#', '.sql': '--' };

/** The first lines of a generated file, as tools of its language know them. */
function headerOf(path: string): string {
  return `${COMMENTS[posix.extname(path)] ?? '//'} ${HEADER}\n\n`;
}

/** The text of a generated file as its owner has it. */
export function withoutHeader(text: string): string {
  return text.replace(/^(?:\/\/|--|#) Code generated by primitive generate\. DO NOT EDIT\.\n\n/, '');
}
