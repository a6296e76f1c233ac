import { posix } from 'node:path';
import { parse } from 'smol-toml';
import { record } from '../../core/json.ts';
import type { SourceTree } from '../source-tree.ts';

/** A project of Python, as far as it decides what imports mean. */
export interface PythonProject {
  readonly folder: string;
  /** The file that says what it depends on; undefined if none does. */
  readonly manifest: string | undefined;
  /** Distributions that it names, by their normalised name; with the place where it does. */
  readonly distributions: ReadonlyMap<string, { readonly path: string; readonly line: number }>;
  /** Whether a program says what it depends on while it is built, so that there may be more. */
  readonly isComputed: boolean;
  /** Distributions that are folders: name -> folder; '..' for one outside of the repository. */
  readonly linked: ReadonlyMap<string, string>;
  /** Folders in which tests find modules besides those of the project, relative to the root of the repository. */
  readonly testRoots: readonly string[];
  /** Distributions of its lock file, also those that only others need. */
  readonly locked: ReadonlySet<string>;
}

/** Files that make a folder a project of its own. */
const PROJECTS = ['pyproject.toml', 'setup.py', 'setup.cfg', 'requirements.txt'];
const LISTS = /^(?:requirements[\w.-]*\.(?:txt|in|lock)|setup\.(?:py|cfg))$/;
const LOCKS = ['uv.lock', 'poetry.lock', 'pdm.lock'];

/** The projects of a repository, the deepest first. */
export async function readProjects(repository: SourceTree): Promise<readonly PythonProject[]> {
  const folders = [...new Set(repository.named(...PROJECTS).map((file) => posix.dirname(file)))];
  const names = new Map<string, string>();
  for (const folder of folders) {
    const name = nameOf(await readToml(repository, posix.join(folder, 'pyproject.toml')));
    if (name !== undefined) names.set(normalized(name), folder);
  }
  const read = await Promise.all(folders.map((folder) => readProject(repository, folder, names)));
  return read.sort((a, b) => b.folder.length - a.folder.length);
}

/** The name of the project in a `pyproject.toml`; undefined if it has none, or one that is not valid. */
export function projectName(text: string): string | undefined {
  return nameOf(parseToml(text));
}

function nameOf({ project }: Readonly<Record<string, unknown>>): string | undefined {
  const { name } = record(project);
  return typeof name === 'string' && /^[\w.-]+$/.test(name) ? name : undefined;
}

/** PEP 503: `Foo_Bar` and `foo.bar` are one distribution. */
export function normalized(name: string): string {
  return name.toLowerCase().replace(/[-_.]+/g, '-');
}

async function readProject(
  repository: SourceTree,
  folder: string,
  names: ReadonlyMap<string, string>,
): Promise<PythonProject> {
  const toml = await readToml(repository, posix.join(folder, 'pyproject.toml'));
  const distributions = new Map<string, { readonly path: string; readonly line: number }>();
  const linked = new Map(linksOf(toml, folder, names));
  for (const [path, text, requirements] of await requirementLists(repository, folder, toml)) {
    const lines = text.split('\n');
    const lineOf = (word: string) => lines.findIndex((one) => one.includes(word)) + 1 || 1;
    for (const requirement of requirements) {
      const { word, names, place } = requirementIn(requirement);
      for (const name of names)
        if (!distributions.has(name)) distributions.set(name, { path, line: lineOf(word) });
      if (place !== undefined && names[0] !== undefined) linked.set(names[0], below(folder, place));
    }
  }
  const manifests = PROJECTS.map((name) => posix.join(folder, name));
  return {
    folder,
    manifest: manifests.find((path) => repository.files.has(path)),
    distributions,
    isComputed: isComputed(toml, folder, repository),
    linked,
    testRoots: testRootsOf(toml, folder, repository),
    locked: await lockedIn(repository, folder),
  };
}

/** Dependencies are dynamic (PEP 621), and no list in the repository is meant by that. */
function isComputed(
  { project, tool }: Readonly<Record<string, unknown>>,
  folder: string,
  repository: SourceTree,
): boolean {
  const { dynamic } = record(project);
  if (!Array.isArray(dynamic) || !dynamic.includes('dependencies')) return false;
  const isWritten =
    hookLists(record(tool)).length > 0 || repository.filesIn(folder).some((name) => LISTS.test(name));
  return !isWritten;
}

/** Dependencies that hooks of Hatch add. */
function hookLists(tool: Readonly<Record<string, unknown>>): readonly unknown[] {
  return Object.values(record(record(record(tool.hatch).metadata).hooks)).flatMap((hook) => [
    record(hook).dependencies,
    ...Object.values(record(record(hook)['optional-dependencies'])),
  ]);
}

/** `pythonpath` and `testpaths` of pytest, and where its documentation puts tests. */
function testRootsOf(
  toml: Readonly<Record<string, unknown>>,
  folder: string,
  repository: SourceTree,
): readonly string[] {
  const options = record(record(record(toml.tool).pytest).ini_options);
  const named = [options.pythonpath ?? [], options.testpaths ?? []]
    .flat()
    .filter((one) => typeof one === 'string');
  return [...new Set(['.', 'tests', 'test', ...named])]
    .map((one) => posix.join(folder, one))
    .filter((one) => repository.hasFolder(one));
}

/** How a requirement begins (PEP 508). */
const NAME = /^([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)(?:\s*\[([^\]]*)\])?/;

/**
 * The distributions that a requirement means, with the word that it is found by: those of an extra are mostly named after
 * both. And the folder or file that it is, where it says so.
 */
function requirementIn(requirement: string): {
  readonly word: string;
  readonly names: readonly string[];
  readonly place?: string | undefined;
} {
  const place = PLACE.exec(requirement)?.[1];
  if (place !== undefined) return { word: place, names: [normalized(posix.basename(place))], place };
  const [, word, extras = ''] = NAME.exec(requirement) ?? [];
  if (word === undefined) return { word: '', names: [] };
  const name = normalized(word);
  const names = ['', ...extras.split(',')].map((extra) =>
    normalized(extra === '' ? name : `${name}-${extra.trim()}`),
  );
  return { word, names, place: /@\s*file:\/{2,3}(?:\$\{PROJECT_ROOT\}\/)?([^;\s]+)/.exec(requirement)?.[1] };
}

/** A folder or list of pip, by its path: `-e ../lib`, `-r ../requirements.txt`, `./lib[extra]`. */
const PLACE = /^(?:-[ecr]|--(?:editable|constraint|requirement)(?=[\s=]))?[\s=]*(?:file:)?(\.\.?\/[^\s;#[]+)/;

/** The requirements of a project, by the text that they stand in. */
async function requirementLists(
  repository: SourceTree,
  folder: string,
  toml: Readonly<Record<string, unknown>>,
): Promise<readonly (readonly [path: string, text: string, requirements: readonly string[]])[]> {
  const read = async (name: string) => (await repository.text(posix.join(folder, name))) ?? '';
  const lists: (readonly [string, string, readonly string[]])[] = [];
  const add = (name: string, text: string, requirements: readonly string[]) =>
    lists.push([posix.join(folder, name), text, requirements]);
  add('pyproject.toml', await read('pyproject.toml'), requirementsOf(toml));
  for (const name of repository.filesIn(folder)) {
    if (/^requirements[\w.-]*\.(?:txt|in|lock)$/.test(name)) {
      const text = await read(name);
      add(
        name,
        text,
        text.split('\n').map((line) => line.trim()),
      );
    } else if (name === 'setup.cfg') {
      const text = await read(name);
      add(
        name,
        text,
        text.split('\n').map((line) => line.trim()),
      );
    } else if (name === 'setup.py') {
      const text = await read(name);
      add(
        name,
        text,
        text.split(/["']/).filter((_, i) => i % 2 === 1),
      );
    }
  }
  return lists;
}

/** The distributions that are folders, by what uv and Poetry are told. */
function linksOf(
  toml: Readonly<Record<string, unknown>>,
  folder: string,
  names: ReadonlyMap<string, string>,
): readonly (readonly [name: string, folder: string])[] {
  const tool = record(toml.tool);
  const sources = { ...poetryTables(tool), ...record(record(tool.uv).sources) };
  return Object.entries(sources).flatMap(([written, value]) =>
    [value].flat().flatMap((one): (readonly [string, string])[] => {
      const name = normalized(written);
      const { path, workspace } = record(one);
      if (typeof path === 'string') return [[name, below(folder, path)]];
      const place = workspace === true ? names.get(name) : undefined;
      return place === undefined ? [] : [[name, place]];
    }),
  );
}

/** A path below a folder; '..' where it leaves the repository. */
function below(folder: string, path: string): string {
  const joined = posix.isAbsolute(path) ? '..' : posix.join(folder, path);
  return joined.startsWith('..') ? '..' : joined;
}

/** Requirements of a pyproject.toml, with all extras and groups. */
function requirementsOf(toml: Readonly<Record<string, unknown>>): readonly string[] {
  const project = record(toml.project);
  const tool = record(toml.tool);
  const lists = [
    project.dependencies,
    ...Object.values(record(project['optional-dependencies'])),
    ...Object.values(record(toml['dependency-groups'])),
    record(tool.uv)['dev-dependencies'],
    ...Object.values(record(record(tool.pdm)['dev-dependencies'])),
    ...hookLists(tool),
    ...Object.values(record(record(tool.hatch).envs)).flatMap((one) => [
      record(one).dependencies,
      record(one)['extra-dependencies'],
    ]),
    record(toml['build-system']).requires,
  ];
  return [
    ...lists.flatMap((list) => (Array.isArray(list) ? list : [])).filter((one) => typeof one === 'string'),
    ...Object.keys(poetryTables(tool)).filter((name) => name !== 'python'),
  ];
}

function poetryTables(tool: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const poetry = record(tool.poetry);
  const groups = Object.values(record(poetry.group)).map((group) => record(record(group).dependencies));
  return Object.assign({}, record(poetry.dependencies), record(poetry['dev-dependencies']), ...groups);
}

async function lockedIn(repository: SourceTree, folder: string): Promise<ReadonlySet<string>> {
  for (const name of LOCKS) {
    // A workspace has one lock file, in its root.
    const path = repository.nearest(posix.join(folder, name), name);
    if (path === undefined) continue;
    const text = (await repository.text(path)) ?? '';
    return new Set([...text.matchAll(/^name = "([^"]+)"$/gm)].map(([, one = '']) => normalized(one)));
  }
  return new Set();
}

async function readToml(repository: SourceTree, path: string): Promise<Readonly<Record<string, unknown>>> {
  return parseToml(repository.files.has(path) ? await repository.text(path) : undefined);
}

/** Empty for what is not TOML. */
function parseToml(text = ''): Readonly<Record<string, unknown>> {
  try {
    return record(parse(text));
  } catch {
    return {};
  }
}
