import { posix } from 'node:path';
import { readJson, record } from '../../core/json.ts';
import type { SourceTree } from '../source-tree.ts';

/** A package.json, as far as it decides what imports mean. */
export interface NpmPackage {
  /** The file. */
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
  const lineOf = (name: string) =>
    lines.findIndex((line) => line.includes(`${JSON.stringify(name)}:`)) + 1 || 1;
  return {
    path,
    folder: posix.dirname(path),
    name: textOf(json.name),
    version: textOf(json.version),
    isRoot: json.workspaces !== undefined || posix.dirname(path) === '.',
    imports: record(json.imports),
    dependencies: new Map(entries.map(([name, spec]) => [name, { spec: String(spec), line: lineOf(name) }])),
  };
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
