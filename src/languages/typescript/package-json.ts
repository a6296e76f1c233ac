import { posix } from 'node:path';
import { readJson, record } from '../../core/json.ts';
import { type ManifestMentions, pathsIn, placed } from '../mentions.ts';
import type { SourceTree } from '../source-tree.ts';

/** A package.json, as far as it decides what imports mean. */
export interface NpmPackage {
  readonly path: string;
  readonly folder: string;
  readonly name: string | undefined;
  readonly version: string | undefined;
  /** Whether it is the root of a workspace: nothing depends on that by its name. */
  readonly isRoot: boolean;
  /** `#name` -> its targets, by condition. */
  readonly imports: Readonly<Record<string, unknown>>;
  /** Name -> what it is a version or place of. */
  readonly dependencies: ReadonlyMap<string, Declared>;
  /** Name -> what npm, Yarn or pnpm take in its place, wherever it is needed below this manifest. */
  readonly overrides: ReadonlyMap<string, Declared>;
  /** Paths relative to the folder that it gives names to, such as entries and those for browsers. */
  readonly paths: readonly Declared[];
}

/** An entry of `dependencies`, as it is written. */
interface Declared {
  readonly spec: string;
  readonly line: number;
}

const KEYS = ['dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies'];

/** Every package.json of the repository that no package manager has put there, by its path. */
export async function readPackages(repository: SourceTree): Promise<ReadonlyMap<string, NpmPackage>> {
  const packages = new Map<string, NpmPackage>();
  for (const path of repository.named('package.json')) {
    packages.set(path, npmPackage((await repository.text(path)) ?? '', path));
  }
  return packages;
}

function npmPackage(text: string, path: string): NpmPackage {
  const json = readJson(text);
  const entries = KEYS.flatMap((key) => Object.entries(record(json[key])));
  const lines = text.split('\n');
  const lineWith = (words: string) => lines.findIndex((line) => line.includes(words)) + 1 || 1;
  const lineOf = (name: string) => lineWith(`${JSON.stringify(name)}:`);
  const overrides = [json.overrides, json.resolutions, record(json.pnpm).overrides].flatMap(overridesIn);
  const paths = PATHS.flatMap((key) => textsIn(json[key])).filter((one) => one.startsWith('.'));
  return {
    path,
    folder: posix.dirname(path),
    name: textOf(json.name),
    version: textOf(json.version),
    isRoot: json.workspaces !== undefined || posix.dirname(path) === '.',
    imports: record(json.imports),
    dependencies: new Map(entries.map(([name, spec]) => [name, { spec: String(spec), line: lineOf(name) }])),
    overrides: new Map(overrides.map(([name, spec]) => [name, { spec, line: lineWith(spec) }])),
    paths: paths.map((spec) => ({ spec, line: lineWith(spec) })),
  };
}

/** Keys whose paths stand for names of packages or for the package itself. */
const PATHS = ['main', 'module', 'browser', 'types', 'typings', 'exports', 'bin'];

/** Keys whose paths count as dependencies do, or where an import names them. */
const JUDGED = new Set([...KEYS, ...PATHS, 'overrides', 'resolutions', 'pnpm', 'imports']);

/** Paths in scripts and in settings of tools. */
export async function scriptMentions(
  repository: SourceTree,
  folder: string,
): Promise<readonly ManifestMentions[]> {
  const found: ManifestMentions[] = [];
  for (const path of repository.named('package.json')) {
    const text = path.startsWith(`${folder}/`) ? ((await repository.text(path)) ?? '') : '';
    if (!text.includes('../')) continue;
    const others = Object.entries(readJson(text)).filter(([key]) => !JUDGED.has(key));
    const paths = textsIn(others).flatMap(pathsIn);
    const at = paths.map((one) => ({ ...one, index: Math.max(0, text.indexOf(one.text)) }));
    if (at.length > 0) found.push({ path, mentions: placed(at, text) });
  }
  return found;
}

/** Name -> version or place, in the forms of npm, Yarn and pnpm: nested ones, `x>a@1`, and paths of names. */
function overridesIn(value: unknown): readonly (readonly [name: string, spec: string])[] {
  const found: (readonly [string, string])[] = [];
  // No call for each level: a file may have any number of them.
  const queue = Object.entries(record(value));
  for (const [key, spec] of queue) {
    if (typeof spec === 'string') found.push([overriddenName(key), spec]);
    for (const [inner, own] of Object.entries(record(spec))) queue.push([inner === '.' ? key : inner, own]);
  }
  return found;
}

/** `@scope/a` of `x@1>@scope/a@2` and of `x/@scope/a`. */
function overriddenName(key: string): string {
  const last = key.slice(key.lastIndexOf('>') + 1).trim();
  // An `@` at the start of a name is that of its scope.
  const version = last.search(/[^/]@/);
  const names = last.slice(0, version < 0 ? undefined : version + 1).split('/');
  return names.slice(names.at(-2)?.startsWith('@') ? -2 : -1).join('/');
}

/** All texts of a value: the targets of `imports` and `exports` under every condition. */
export function textsIn(value: unknown): readonly string[] {
  const queue = [value];
  for (const one of queue) {
    if (typeof one === 'object' && one !== null) for (const inner of Object.values(one)) queue.push(inner);
  }
  return queue.filter((one) => typeof one === 'string');
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** `@scope/name` of `@scope/name/sub/path`. */
export function packageName(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}
