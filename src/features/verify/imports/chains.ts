import { posix } from 'node:path';
import { isTest, type LanguageId, languageOf } from '../../../languages/all.ts';
import type { Primitive, Subjects } from '../subjects.ts';
import type { ImportResolver } from './resolve.ts';

/** A place of the repository outside of primitives that imports lead to. */
interface Unit {
  readonly language: LanguageId;
  readonly path: string;
}

/** The files of code of a unit: a file, the package in a folder of Go, or all that is in the folder of a package. */
function filesOf({ language, path }: Unit, { repository }: ImportResolver): readonly string[] {
  if (repository.files.has(path)) return languageOf(path) === language ? [path] : [];
  const files =
    language === 'go'
      ? repository.filesIn(path).map((name) => posix.join(path, name))
      : [...repository.files].filter((file) => file.startsWith(`${path}/`));
  return files.filter((file) => languageOf(file) === language && !isTest(file));
}

/**
 * Follows imports that lead to code of the repository outside of primitives, from file to file, on to primitives: each
 * such import is given once more, with the primitive that it ends in and the files on the way. `sourcesOf` reads the
 * imports of files.
 */
export async function chainsOf(
  imports: readonly Subjects['import'][],
  resolver: ImportResolver,
  sourcesOf: (paths: readonly string[]) => Promise<readonly Subjects['source'][]>,
): Promise<readonly Subjects['import'][]> {
  const keyOf = ({ language, path }: Unit) => `${language} ${path}`;
  const unitOf = ({ language, target, owner }: Subjects['import']): Unit | undefined =>
    target.type === 'path' && owner === undefined ? { language, path: target.path } : undefined;
  /** What the files of a unit import that is of the repository, by its key. */
  const led = new Map<string, readonly Subjects['import'][]>();
  let next = new Map(imports.flatMap((one) => unitOf(one) ?? []).map((unit) => [keyOf(unit), unit]));
  while (next.size > 0) {
    const files = new Map([...next].map(([key, unit]) => [key, new Set(filesOf(unit, resolver))]));
    const sources = await sourcesOf([...new Set([...files.values()].flatMap((set) => [...set]))].sort());
    const resolved = await resolver.resolve(sources);
    for (const [key, own] of files) {
      led.set(
        key,
        resolved.filter(({ path, target }) => own.has(path) && target.type === 'path'),
      );
    }
    const found = resolved.flatMap((one) => unitOf(one) ?? []).map((unit) => [keyOf(unit), unit] as const);
    next = new Map(found.filter(([key]) => !led.has(key)));
  }
  return imports.flatMap((one) => {
    const start = unitOf(one);
    return start === undefined
      ? []
      : reached(keyOf(start), led, keyOf, unitOf).map((end) => ({ ...one, ...end }));
  });
}

/** The primitives that imports of a unit end in, by the shortest way to each. */
function reached(
  start: string,
  led: ReadonlyMap<string, readonly Subjects['import'][]>,
  keyOf: (unit: Unit) => string,
  unitOf: (one: Subjects['import']) => Unit | undefined,
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
