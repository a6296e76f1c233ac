import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Digest, digestOf } from '../../core/digest.ts';
import { PrimitiveError } from '../../core/errors.ts';
import { byKey } from '../../core/order.ts';
import { packagePath } from '../../core/package.ts';
import type { Kind } from '../kind.ts';
import type { BuiltIn, Generator, GeneratorInput, Made } from './generator.ts';

/** Packages of the code that all services of a language share: each version, once released, stays as it is. */
const GO_1 = ['caller', 'credentials', 'issuer', 'lifecycle', 'probe', 'settings', 'telemetry'];
const OUTBOX_1 = ['jetstream', 'operations', 'outbox', 'queue', 'queue/migrations', 'rpc'];

/** Packages that are written only for a module whose `go.mod` requires another one. */
export const ONLY_WITH: ReadonlyMap<string, string> = new Map([['jetstream', 'github.com/nats-io/nats.go']]);

/** By what `run` calls them and version: the folders of `templates/platform/` and the packages in them. */
const PLATFORMS: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  'platform-domain': { '1': [...GO_1, ...OUTBOX_1, 'postgres'] },
  'platform-integration': { '1': [...GO_1, 'issuer/issuertest'] },
  'platform-process': { '1': GO_1 },
  'platform-projection': { '1': [...GO_1, 'postgres', 'rebuild'] },
};

/** The module in the sources of the platform; that of the primitive is put in its place. */
const MODULE = '"example.com/service/';

/** Code generators of the runtime that services of a kind share, by version. */
export const platformGenerators: Readonly<Record<string, Readonly<Record<string, BuiltIn>>>> =
  Object.fromEntries(
    Object.entries(PLATFORMS).map(([run, versions]) => [
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

/** Its files without the header, by their paths below the folder that the generator writes; sorted. */
function sourcesOf(
  { run, version }: Pick<Generator, 'run' | 'version'>,
  isWanted: (name: string) => boolean = () => true,
): ReadonlyMap<string, string> {
  const packages = (PLATFORMS[run]?.[version] ?? []).filter(isWanted);
  return new Map(packages.flatMap((name) => [...readPackage(name, Number(version))]).sort(byKey));
}

/** A version has the files of the one before it that it does not replace; one that is empty is gone. */
function readPackage(name: string, version: number): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (let step = 1; step <= version; step += 1) {
    const folder = packagePath(`templates/platform/go/${step}/${name}`);
    if (!existsSync(folder)) continue;
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const text = readFileSync(join(folder, entry.name), 'utf8');
      if (text === '') files.delete(`${name}/${entry.name}`);
      else files.set(`${name}/${entry.name}`, text);
    }
  }
  return files;
}

async function generate(
  generator: Generator,
  { read, shown }: Pick<GeneratorInput, 'read' | 'shown'>,
): Promise<Made> {
  const module = await moduleOf(generator, read, shown);
  const goMod = new TextDecoder().decode(await read('go.mod'));
  const isWanted = (name: string) => isRequired(ONLY_WITH.get(name), goMod);
  const files = [...sourcesOf(generator, isWanted)].map(([path, text]): [string, string] => [
    `${generator.writes}/${path}`,
    headerOf(path) + text.replaceAll(MODULE, `"${module}/`),
  ]);
  return { files: new Map(files), warnings: [] };
}

/**
 * The text with a digest that some version of a kind's platform generators made of a file, as generated or as its owner
 * has it, for the module of `go.mod`; undefined if none did. What a version makes never changes, so that none is fetched.
 */
export async function pastPlatformFile(
  path: string,
  digest: Digest,
  generators: Kind['generators'] = [],
  source: Pick<GeneratorInput, 'read' | 'shown'>,
): Promise<string | undefined> {
  for (const one of generators) {
    if (!isPlatform(one) || !path.startsWith(`${one.writes}/`)) continue;
    for (const version of Object.keys(PLATFORMS[one.run] ?? {})) {
      const text = (await generate({ ...one, version }, source)).files.get(path);
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

/** The first lines of a generated file, as Go and its tools know them. */
function headerOf(path: string): string {
  return `${path.endsWith('.sql') ? '--' : '//'} ${HEADER}\n\n`;
}

/** The text of a generated file as its owner has it. */
export function withoutHeader(text: string): string {
  return text.replace(/^(?:\/\/|--) Code generated by primitive generate\. DO NOT EDIT\.\n\n/, '');
}
