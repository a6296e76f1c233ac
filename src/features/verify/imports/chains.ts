import { posix } from 'node:path';
import { isTest, type LanguageId, languageNamed, languageOf } from '../../../languages/all.ts';
import type { Primitive, Subjects } from '../subjects.ts';
import type { ImportResolver } from './resolve.ts';

/** A place of the repository outside of primitives that imports lead to. */
interface Unit {
  readonly language: LanguageId;
  readonly path: string;
}

/** The files of code of a unit: a file, the folder that an import names, or all that is in the folder of a package. */
function filesOf({ language, path }: Unit, { repository }: ImportResolver): readonly string[] {
  if (repository.files.has(path)) return languageOf(path) === language ? [path] : [];
  const files =
    languageNamed(language).importsFolders === true
      ? repository.filesIn(path).map((name) => posix.join(path, name))
      : [...repository.files].filter((file) => file.startsWith(`${path}/`));
  return files.filter((file) => languageOf(file) === language && !isTest(file));
}

/** Reads the imports of files. */
type SourcesOf = (paths: readonly string[]) => Promise<readonly Subjects['source'][]>;

/** Code of the repository outside of primitives, by the keys of its units. */
interface Followed {
  /** Imports of the files of a unit that lead into the repository. */
  readonly led: ReadonlyMap<string, readonly Subjects['import'][]>;
  readonly files: ReadonlyMap<string, ReadonlySet<string>>;
}

function keyOf({ language, path }: Unit): string {
  return `${language} ${path}`;
}

function unitOf({ language, target, owner }: Subjects['import']): Unit | undefined {
  return target.type === 'path' && owner === undefined ? { language, path: target.path } : undefined;
}

/** Reads all code outside of primitives that imports lead to, from file to file. */
async function follow(
  imports: readonly Subjects['import'][],
  resolver: ImportResolver,
  sourcesOf: SourcesOf,
): Promise<Followed> {
  const led = new Map<string, readonly Subjects['import'][]>();
  const files = new Map<string, ReadonlySet<string>>();
  let next = new Map(imports.flatMap((one) => unitOf(one) ?? []).map((unit) => [keyOf(unit), unit]));
  while (next.size > 0) {
    const own = new Map([...next].map(([key, unit]) => [key, new Set(filesOf(unit, resolver))]));
    const sources = await sourcesOf([...new Set([...own.values()].flatMap((set) => [...set]))].sort());
    const resolved = await resolver.resolve(sources);
    for (const [key, paths] of own) {
      files.set(key, paths);
      led.set(
        key,
        resolved.filter(({ path, target }) => paths.has(path) && target.type === 'path'),
      );
    }
    const found = resolved.flatMap((one) => unitOf(one) ?? []).map((unit) => [keyOf(unit), unit] as const);
    next = new Map(found.filter(([key]) => !led.has(key)));
  }
  return { led, files };
}

/**
 * Follows imports that lead to code of the repository outside of primitives, from file to file, on to primitives: each
 * such import is given once more, with the primitive that it ends in and the files on the way.
 */
export async function chainsOf(
  imports: readonly Subjects['import'][],
  resolver: ImportResolver,
  sourcesOf: SourcesOf,
): Promise<readonly Subjects['import'][]> {
  const { led } = await follow(imports, resolver, sourcesOf);
  return imports.flatMap((one) => {
    const start = unitOf(one);
    return start === undefined ? [] : reached(keyOf(start), led).map((end) => ({ ...one, ...end }));
  });
}

/** The imports of which code outside of primitives on their way is among some files. */
export async function ledThrough(
  imports: readonly Subjects['import'][],
  changed: ReadonlySet<string>,
  resolver: ImportResolver,
  sourcesOf: SourcesOf,
): Promise<readonly Subjects['import'][]> {
  const { led, files } = await follow(imports, resolver, sourcesOf);
  const isChanged = (key: string) => [...(files.get(key) ?? [])].some((path) => changed.has(path));
  return imports.filter((one) => {
    const start = unitOf(one);
    const keys = new Set(start === undefined ? [] : [keyOf(start)]);
    for (const key of keys) {
      if (isChanged(key)) return true;
      for (const unit of (led.get(key) ?? []).flatMap((next) => unitOf(next) ?? [])) keys.add(keyOf(unit));
    }
    return false;
  });
}

/** The primitives that imports of a unit end in, by the shortest way to each. */
function reached(
  start: string,
  led: Followed['led'],
): readonly { readonly owner: Primitive; readonly by: readonly string[] }[] {
  const found = new Map<string, { readonly owner: Primitive; readonly by: readonly string[] }>();
  const seen = new Set([start]);
  const queue: { readonly key: string; readonly by: readonly string[] }[] = [{ key: start, by: [] }];
  for (const { key, by } of queue) {
    for (const one of led.get(key) ?? []) {
      const way = [...by, one.path];
      if (one.owner !== undefined && !found.has(one.owner.id))
        found.set(one.owner.id, { owner: one.owner, by: way });
      const unit = unitOf(one);
      if (unit === undefined || seen.has(keyOf(unit))) continue;
      seen.add(keyOf(unit));
      queue.push({ key: keyOf(unit), by: way });
    }
  }
  return [...found.values()];
}
