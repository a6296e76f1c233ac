import { posix } from 'node:path';
import { folderOf } from '../../core/path-parts.ts';
import type { Dependency, OpenPackages, Resolve, Target } from '../packages.ts';
import type { SourceTree } from '../source-tree.ts';
import { normalized, type PythonProject, readProjects } from './manifests.ts';
import { DISTRIBUTIONS, NAMESPACES, STANDARD } from './names.ts';
import { settingsMentions } from './settings.ts';

/** Folders of a project that packages are in, besides the project itself. */
const LAYOUTS = ['src', 'python', 'lib'];
/** What a module has behind its name. */
const SUFFIXES = ['', '.py', '.pyi', '/__init__.py'];
/** Folders and modules of a flat project that are not packages of it. */
const UNSHARED = new Set(
  'tests test docs examples scripts integration setup conftest noxfile tasks fabfile build dist src python lib'.split(
    ' ',
  ),
);

/**
 * Resolves module names of Python: relative ones, modules of the file's own project or folder, what comes with Python,
 * distributions that the project's manifest names, packages of the other projects in the repository, and
 * `primitives.<kind>.<name>`, which works with the root of the repository as path.
 */
export const pythonPackages: OpenPackages = async (repository, { primitivesFolder, isTest }) => {
  const projects = await readProjects(repository);
  const modules = modulesOf(repository, projects);
  const folders = foldersOf(repository);
  const has = (path: string) => existing(repository, path) !== undefined || folders.has(path);

  const at = (path: string): Target => {
    const real = repository.realPath(existing(repository, path) ?? path);
    return real === undefined ? { type: 'outside' } : { type: 'path', path: real };
  };
  const projectsOf = (from: string) => {
    const path = `${folderOf(from)}/`;
    return projects.filter(({ folder }) => folder === '.' || path.startsWith(`${folder}/`));
  };
  // Beside a script or a test there may be modules; beside a module of a package, there are none to a plain name.
  const isInPackage = (from: string, project: string | undefined) =>
    repository.files.has(posix.join(folderOf(from), '__init__.py')) ||
    (project !== undefined && LAYOUTS.some((one) => from.startsWith(`${posix.join(project, one)}/`)));
  const rootsOf = (from: string, project: PythonProject | undefined) => {
    const shared =
      project === undefined ? [] : [...LAYOUTS.map((one) => posix.join(project.folder, one)), project.folder];
    const roots = isInPackage(from, project?.folder) ? shared : [folderOf(from), ...shared];
    return isTest(from) ? [...roots, ...(project?.testRoots ?? [])] : roots;
  };
  /** The root of another project that has a module; of several, one with all of its path. */
  const elsewhere = (path: string, except: readonly string[]) => {
    const [name = '', second] = path.split('/');
    const roots = [...(modules.get(name) ?? [])].filter((root) => !except.includes(root));
    const exact =
      second === undefined ? undefined : roots.find((root) => has(posix.join(root, name, second)));
    return exact ?? roots[0];
  };
  const linkedRoot = (project: PythonProject | undefined, path: string) => {
    const [name = ''] = path.split('/');
    for (const folder of project?.linked.values() ?? []) {
      const root = [...LAYOUTS.map((one) => posix.join(folder, one)), folder].find((one) =>
        has(posix.join(one, name)),
      );
      if (root !== undefined) return root;
    }
    return undefined;
  };

  const file = (path: string, from: string, project: PythonProject | undefined): readonly Target[] => {
    if (posix.isAbsolute(path)) return [{ type: 'outside' }];
    const places = [folderOf(from), project?.folder ?? '.', '.'].map((one) => posix.join(one, path));
    return [at(places.find((one) => repository.files.has(one)) ?? places[0] ?? path)];
  };

  /** A package without an `__init__.py` may be in several projects, a part in each: whether a part is not in this one. */
  const isPartElsewhere = (root: string, [name = '', second]: readonly string[]) => {
    const folder = posix.join(root, name);
    const isOpen = existing(repository, folder) === undefined && folders.has(folder);
    return isOpen && second !== undefined && !has(posix.join(folder, second));
  };
  /** Code of another project, or what the root of the repository as path would find. */
  const inRepository = (path: string, roots: readonly string[], own: string | undefined) => {
    const root = elsewhere(path, roots) ?? own;
    if (root !== undefined) return at(posix.join(root, path));
    const [name, kind] = path.split('/');
    if (
      name !== 'primitives' ||
      kind === undefined ||
      !repository.hasFolder(posix.join(primitivesFolder, kind))
    )
      return undefined;
    return at(posix.join(posix.dirname(primitivesFolder), path));
  };
  const resolverFor = async (from: string): Promise<Resolve> => {
    const [project, ...above] = projectsOf(from);
    const roots = rootsOf(from, project);
    const tools = isTest(from) ? above : [];
    /** First name of a module -> the first root that has it. */
    const owns = new Map<string, string | undefined>();
    const ownRoot = (name: string) => {
      if (!owns.has(name))
        owns.set(
          name,
          roots.find((root) => has(posix.join(root, name))),
        );
      return owns.get(name);
    };
    const named = (specifier: string): Target => {
      const parts = specifier.split('.');
      const path = parts.join('/');
      const [name = ''] = parts;
      const own = ownRoot(name);
      if (own !== undefined && !isPartElsewhere(own, parts)) return at(posix.join(own, path));
      if (STANDARD.has(name)) return { type: 'package', name: specifier, known: 'standard' };
      const linked = linkedRoot(project, path);
      if (linked !== undefined) return at(posix.join(linked, path));
      const known = knownAs(specifier, project, tools);
      if (known === 'declared') return { type: 'package', name: specifier, known };
      const target = inRepository(path, roots, own);
      if (target !== undefined) return target;
      const place = project?.manifest === undefined ? {} : { manifest: project.manifest };
      return { type: 'package', name: specifier, known, ...place };
    };
    return (specifier) => {
      if (specifier.startsWith('file:')) return file(specifier.slice('file:'.length), from, project);
      const dots = /^\.*/.exec(specifier)?.[0].length ?? 0;
      if (dots === 0) return [named(specifier)];
      const path = specifier.slice(dots).replaceAll('.', '/');
      return [at(posix.join(folderOf(from), '../'.repeat(dots - 1), path))];
    };
  };

  return {
    placeOf: folderOf,
    resolverFor,
    mentions: () => settingsMentions(repository, primitivesFolder),
    dependencies: async () => {
      const found: Dependency[] = [];
      for (const { distributions, linked } of projects) {
        for (const [name, place] of distributions) {
          const folder = linked.get(name);
          const target: Target =
            folder === undefined
              ? { type: 'package', name: name.replaceAll('-', '_'), known: 'declared' }
              : at(folder);
          found.push({ ...place, specifier: name.replaceAll('-', '_'), target });
        }
      }
      return found;
    },
  };
};

/** Package of a module that is not in the repository, by manifests. */
function knownAs(
  specifier: string,
  project: PythonProject | undefined,
  above: readonly PythonProject[],
): 'declared' | 'undeclared' | 'unresolved' {
  const all = [...(project === undefined ? [] : [project]), ...above];
  const parts = specifier.split('.');
  const [name = ''] = parts;
  const prefixes = parts.map((_, i) => parts.slice(0, i + 1));
  const candidates = prefixes.flatMap((prefix) => [
    normalized(prefix.join('-')),
    ...(DISTRIBUTIONS[prefix.join('.')] ?? []),
  ]);
  const isDeclared = ({ distributions }: PythonProject) =>
    candidates.some((one) => distributions.has(one)) ||
    (NAMESPACES.has(name) && [...distributions.keys()].some((one) => one.startsWith(`${normalized(name)}-`)));
  if (all.some(isDeclared)) return 'declared';
  if (project?.isComputed) return 'unresolved';
  // Without a manifest nothing can be meant; a name that is known, or locked for others, is not this project's.
  const isKnown = candidates.some((one) => all.some(({ locked }) => locked.has(one)));
  return all.length === 0 ||
    isKnown ||
    prefixes.some((prefix) => Object.hasOwn(DISTRIBUTIONS, prefix.join('.')))
    ? 'undeclared'
    : 'unresolved';
}

/** Name of a module -> the folders that it is in, of all projects. */
function modulesOf(
  repository: SourceTree,
  projects: readonly PythonProject[],
): ReadonlyMap<string, ReadonlySet<string>> {
  const projectFolders = new Set(projects.map(({ folder }) => folder));
  const projectOf = new Map<string, string | undefined>();
  const findProject = (folder: string): string | undefined => {
    if (projectFolders.has(folder)) return folder;
    if (folder === '.') return undefined;
    if (!projectOf.has(folder)) projectOf.set(folder, findProject(folderOf(folder)));
    return projectOf.get(folder);
  };
  const modules = new Map<string, Set<string>>();
  for (const path of repository.files) {
    if (!/\.pyi?$/.test(path)) continue;
    const project = findProject(folderOf(path));
    if (project === undefined) continue;
    const inside = project === '.' ? path : path.slice(project.length + 1);
    const [first = '', ...rest] = inside.split('/');
    const isLayout = LAYOUTS.includes(first) && rest.length > 0;
    const top = (isLayout ? (rest[0] ?? '') : first).replace(/\.pyi?$/, '');
    if (top === '__init__' || (!isLayout && UNSHARED.has(top))) continue;
    const root = isLayout ? posix.join(project, first) : project;
    const known = modules.get(top);
    if (known === undefined) modules.set(top, new Set([root]));
    else known.add(root);
  }
  return modules;
}
/** Folders with modules in them, at any depth: each may be a package without an `__init__.py`. */
function foldersOf({ files }: SourceTree): ReadonlySet<string> {
  const folders = new Set<string>();
  for (const file of files) {
    if (!/\.pyi?$/.test(file)) continue;
    for (let folder = folderOf(file); !folders.has(folder); folder = folderOf(folder)) {
      folders.add(folder);
    }
  }
  return folders;
}

function existing({ files }: SourceTree, path: string): string | undefined {
  for (const suffix of SUFFIXES) if (files.has(path + suffix)) return path + suffix;
  return undefined;
}
