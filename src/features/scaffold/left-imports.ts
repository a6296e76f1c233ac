import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { byCodeUnit } from '../../core/order.ts';
import { type Contents, type PlannedFile, type ScaffoldPlan, WRITES } from './planned.ts';

/** A file that imports code which the template has moved, or that is what is left of a package. */
export type LeftImport = NonNullable<ScaffoldPlan['imports']>[number];

/** A file of a primitive once a plan is executed. */
interface FileAfter {
  readonly path: string;
  readonly text: () => Promise<string>;
}

/** A text in a file, and what has to be in its place. */
type Spelling = readonly [from: string, to: string];

/** How code of a language names other code of the primitive. */
interface Naming {
  /** Whether a file is of the language. */
  readonly isCode: (path: string) => boolean;
  /** What is imported of a file: its folder or the file itself. */
  readonly unitOf: (path: string) => string;
  /** How a file may import a unit, and how it has to since that was moved. */
  readonly spellings: (path: string, from: string, to: string) => readonly Spelling[];
}

function namingOf(path: string, goMod: string): Naming | undefined {
  const module = /^module\s+([\w.~/-]+)/m.exec(goMod)?.[1];
  if (/\.py$/.test(path)) return python;
  if (/\.tsx?$/.test(path)) return typescript;
  if (!path.endsWith('.go') || module === undefined) return undefined;
  return {
    isCode: (other) => other.endsWith('.go'),
    unitOf: posix.dirname,
    spellings: (_, from, to) => [[`"${module}/${from}"`, `"${module}/${to}"`]],
  };
}

const python: Naming = {
  isCode: (path) => path.endsWith('.py'),
  unitOf: (path) => path,
  spellings(path, from, to) {
    const [old, now] = [from, to].map((file) =>
      file
        .replace(/^src\//, '')
        .replace(/\.py$/, '')
        .split('/'),
    );
    const own = path.startsWith('src/') ? path.split('/').slice(1, -1) : [];
    return [absoluteName, (parts: readonly string[]) => relativeName(own, parts)].flatMap((name) => {
      const [before, after] = [name(old ?? []), name(now ?? [])];
      if (before === undefined || after === undefined) return [];
      return [
        [`from ${before} import`, `from ${after} import`],
        ...(before.startsWith('.') ? [] : ([[`import ${before}`, `import ${after}`]] as const)),
      ] as const;
    });
  },
};

function absoluteName(parts: readonly string[]): string {
  return parts.join('.');
}

/** The name of a module from a package; undefined if they have no package in common. */
function relativeName(own: readonly string[], parts: readonly string[]): string | undefined {
  const common = own.findIndex((part, at) => part !== parts[at]);
  const shared = common === -1 ? own.length : common;
  return shared === 0 ? undefined : '.'.repeat(own.length - shared + 1) + parts.slice(shared).join('.');
}

const typescript: Naming = {
  isCode: (path) => /\.tsx?$/.test(path),
  unitOf: (path) => path,
  spellings(path, from, to) {
    const [before, after] = [from, to].map((file) => {
      const relative = posix.relative(posix.dirname(path), file);
      return relative.startsWith('.') ? relative : `./${relative}`;
    });
    return [`'`, `"`].map((quote) => [quote + before + quote, quote + after + quote] as const);
  },
};

/**
 * Files that would not work after an update: they import code of the primitive that the template has moved, or are what is
 * left of a package in Go. `folder` is that of the primitive, absolute; `goMod` the text of its go.mod. Sorted.
 */
export async function leftImports(
  files: readonly PlannedFile[],
  contents: Contents,
  { folder, goMod }: { readonly folder: string; readonly goMod: string },
): Promise<readonly LeftImport[]> {
  const left: LeftImport[] = [];
  for (const [naming, units] of movedUnits(files, goMod)) {
    const after = await filesAfter(files, contents, folder, naming);
    const alive = new Set(
      after.flatMap(({ path }) => (path.endsWith('_test.go') ? [] : [naming.unitOf(path)])),
    );
    const gone = [...units].filter(([from]) => !alive.has(from));
    if (gone.length > 0) for (const file of after) left.push(...(await leftIn(file, gone, naming)));
  }
  return left.sort((a, b) => byCodeUnit(a.path, b.path) || byCodeUnit(a.from ?? '', b.from ?? ''));
}

/** What is left in one file, of units that are gone. */
async function leftIn(
  { path, text }: FileAfter,
  gone: readonly Spelling[],
  { unitOf, spellings }: Naming,
): Promise<readonly LeftImport[]> {
  const code = await text();
  const rest = gone.find(([from]) => unitOf(path) === from);
  return [
    ...(rest === undefined ? [] : [{ path, to: rest[1] }]),
    ...gone
      .flatMap(([unit, now]) => spellings(path, unit, now))
      .flatMap(([from, to]) => (has(code, from) ? [{ path, from, to }] : [])),
  ];
}

/** What the template has moved, by the language that it is of: the unit before -> the unit now. */
function movedUnits(
  files: readonly PlannedFile[],
  goMod: string,
): ReadonlyMap<Naming, ReadonlyMap<string, string>> {
  const all = new Map<Naming, Map<string, string>>();
  const known = new Map<string, Naming | undefined>();
  for (const { action, path, from = path } of files) {
    const suffix = posix.extname(path);
    if (!known.has(suffix)) known.set(suffix, namingOf(path, goMod));
    const naming = known.get(suffix);
    if (naming === undefined || action !== 'move' || !naming.isCode(from)) continue;
    const [before, now] = [naming.unitOf(from), naming.unitOf(path)];
    if (before !== now) all.set(naming, (all.get(naming) ?? new Map()).set(before, now));
  }
  return all;
}

/** Whether a text is in code and not only the beginning of a longer name. */
function has(code: string, text: string): boolean {
  for (let at = code.indexOf(text); at !== -1; at = code.indexOf(text, at + 1))
    if (!/[\w.]/.test(code.charAt(at + text.length))) return true;
  return false;
}

/** The files of a language that are there once the plan is executed, by what it knows of them. */
async function filesAfter(
  files: readonly PlannedFile[],
  contents: Contents,
  folder: string,
  { isCode }: Naming,
): Promise<readonly FileAfter[]> {
  const planned = new Map(files.map((file) => [file.path, file]));
  const all = existsSync(folder) ? await readdir(folder, { recursive: true, withFileTypes: true }) : [];
  const there = all
    .filter((entry) => entry.isFile())
    .map((entry) => posix.join(entry.parentPath.slice(folder.length + 1).replaceAll('\\', '/'), entry.name));
  const isOwn = (path: string) =>
    isCode(path) && !/(?:^|\/)(?:vendor|node_modules|testdata|\.venv)\//.test(path);
  return [...new Set([...there, ...planned.keys()])].filter(isOwn).flatMap((path) => {
    const file = planned.get(path);
    if (file?.action === 'delete') return [];
    const written = file === undefined ? undefined : contents.get(file.merged ?? file.digest);
    const isWritten = file !== undefined && WRITES.includes(file.action);
    if (!isWritten && !there.includes(path)) return [];
    return [
      {
        path,
        text: async () =>
          isWritten && written !== undefined
            ? new TextDecoder().decode(written)
            : readFile(join(folder, path), 'utf8'),
      },
    ];
  });
}
