import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { type Contents, type PlannedFile, type ScaffoldPlan, WRITES } from './planned.ts';

/** A file whose package the template has moved, or that imports one. */
export type LeftImport = NonNullable<ScaffoldPlan['imports']>[number];

/** A file of a primitive once a plan is executed. */
interface FileAfter {
  readonly path: string;
  readonly text: () => Promise<string>;
}

/**
 * Go files that would not compile after an update: they import a package of the primitive that the template has moved, or
 * are what is left of it. `folder` is that of the primitive, absolute; `goMod` the text of its go.mod. Sorted.
 */
export async function leftImports(
  files: readonly PlannedFile[],
  contents: Contents,
  { folder, goMod }: { readonly folder: string; readonly goMod: string },
): Promise<readonly LeftImport[]> {
  const moved = new Map(
    files.flatMap(({ action, path, from = path }) =>
      action === 'move' && path.endsWith('.go') && posix.dirname(from) !== posix.dirname(path)
        ? [[posix.dirname(from), posix.dirname(path)] as const]
        : [],
    ),
  );
  const module = /^module\s+([\w.~/-]+)/m.exec(goMod)?.[1];
  if (moved.size === 0 || module === undefined) return [];
  const after = await filesAfter(files, contents, folder);
  const isCode = (path: string) => !path.endsWith('_test.go');
  const alive = new Set(after.filter(({ path }) => isCode(path)).map(({ path }) => posix.dirname(path)));
  const gone = [...moved].filter(([from]) => !alive.has(from));
  const left: LeftImport[] = [];
  for (const { path, text } of after) {
    const rest = gone.find(([from]) => posix.dirname(path) === from);
    if (rest !== undefined) left.push({ path, module, from: rest[0], to: rest[1] });
    const code = gone.length === 0 ? '' : await text();
    for (const [from, to] of gone)
      if (code.includes(`"${module}/${from}"`)) left.push({ path, module, from, to });
  }
  return left.sort((a, b) => (a.path < b.path || (a.path === b.path && a.from < b.from) ? -1 : 1));
}

/** The Go files that are there once the plan is executed, by what it knows of them. */
async function filesAfter(
  files: readonly PlannedFile[],
  contents: Contents,
  folder: string,
): Promise<readonly FileAfter[]> {
  const planned = new Map(files.map((file) => [file.path, file]));
  const all = existsSync(folder) ? await readdir(folder, { recursive: true, withFileTypes: true }) : [];
  const there = all
    .filter((entry) => entry.isFile())
    .map((entry) => posix.join(entry.parentPath.slice(folder.length + 1).replaceAll('\\', '/'), entry.name));
  const isGo = (path: string) =>
    path.endsWith('.go') && !/(?:^|\/)(?:vendor|node_modules|testdata)\//.test(path);
  return [...new Set([...there, ...planned.keys()])].filter(isGo).flatMap((path) => {
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
