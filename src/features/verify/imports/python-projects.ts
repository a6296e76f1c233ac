import { posix } from 'node:path';
import type { Repository } from './repository.ts';
import type { Resolver, Target } from './target.ts';

/** Files that make a folder a project of its own. */
const PROJECTS = ['pyproject.toml', 'setup.py', 'setup.cfg'];
/** Folders of a flat project that are not packages of it. */
const UNSHARED = new Set(['tests', 'test', 'docs', 'examples', 'scripts', 'integration']);

/**
 * Resolves module names of Python: relative ones, modules of the file's own project or folder, packages of the other
 * projects in the repository, and `primitives.<kind>.<name>`, which works with the root of the repository as path.
 */
export async function pythonResolver(repository: Repository, primitivesFolder: string): Promise<Resolver> {
  const projects = [...new Set(repository.named(...PROJECTS).map((file) => posix.dirname(file)))].sort(
    (a, b) => b.length - a.length,
  );
  const packages = packagesOf(repository, new Set(projects));
  const folders = foldersOf(repository);

  const at = async (path: string): Promise<readonly Target[]> => {
    const real = await repository.realPath(existing(repository, path) ?? path);
    return [real === undefined ? { type: 'outside' } : { type: 'path', path: real }];
  };
  // Beside a script or a test there may be modules; beside a module of a package, there are none to a plain name.
  const isInPackage = (from: string, project: string | undefined) =>
    repository.files.has(posix.join(posix.dirname(from), '__init__.py')) ||
    (project !== undefined && from.startsWith(`${posix.join(project, 'src')}/`));

  return async (specifier, from) => {
    const folder = posix.dirname(from);
    const dots = /^\.*/.exec(specifier)?.[0].length ?? 0;
    const path = specifier.slice(dots).replaceAll('.', '/');
    if (dots > 0) return at(posix.join(folder, '../'.repeat(dots - 1), path));
    const [name = ''] = path.split('/');
    const project = projects.find((one) => one === '.' || from.startsWith(`${one}/`));
    const shared = project === undefined ? [] : [posix.join(project, 'src'), project];
    const roots = isInPackage(from, project) ? shared : [folder, ...shared];
    const own = roots
      .map((root) => ({ root, module: posix.join(root, name) }))
      .find(({ module }) => existing(repository, module) !== undefined || folders.has(module))?.root;
    if (own !== undefined) return at(posix.join(own, path));
    const elsewhere = packages.get(name);
    if (elsewhere !== undefined) return at(posix.join(elsewhere, path));
    if (
      path.startsWith('primitives/') &&
      repository.hasFolder(posix.join(primitivesFolder, path.split('/')[1] ?? ''))
    ) {
      return at(posix.join(posix.dirname(primitivesFolder), path));
    }
    return [{ type: 'package', name: specifier }];
  };
}

/** Name of a package -> the folder that it is in; of all projects. */
function packagesOf(repository: Repository, projects: ReadonlySet<string>): ReadonlyMap<string, string> {
  const packages = new Map<string, string>();
  for (const file of repository.files) {
    if (posix.basename(file) !== '__init__.py') continue;
    const folder = posix.dirname(file);
    const root = posix.dirname(folder);
    const name = posix.basename(folder);
    const inSrc = posix.basename(root) === 'src' && projects.has(posix.dirname(root));
    if (inSrc || (projects.has(root) && !UNSHARED.has(name))) packages.set(name, root);
  }
  return packages;
}

/** Folders with modules in them, at any depth: each may be a package without an `__init__.py`. */
function foldersOf({ files }: Repository): ReadonlySet<string> {
  const folders = new Set<string>();
  for (const file of files) {
    if (!/\.pyi?$/.test(file)) continue;
    for (let folder = posix.dirname(file); !folders.has(folder); folder = posix.dirname(folder)) {
      folders.add(folder);
    }
  }
  return folders;
}

function existing(repository: Repository, path: string): string | undefined {
  return [path, `${path}.py`, `${path}.pyi`, `${path}/__init__.py`].find((file) =>
    repository.files.has(file),
  );
}
