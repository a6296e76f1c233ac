import { posix } from 'node:path';
import { folderOf } from '../../core/path-parts.ts';
import { pathMentions } from '../mentions.ts';
import { nearestName } from '../nearest-name.ts';
import type { Dependency, OpenPackages, Target } from '../packages.ts';

/** Content of a go.mod or go.work. */
interface GoFile {
  readonly path: string;
  /** Modules that are in folders, by the path that imports begin with. */
  readonly folders: readonly GoModule[];
  /** Modules of `require`; `indirect` is one that only other modules need. */
  readonly requires: readonly { readonly path: string; readonly line: number; readonly indirect: boolean }[];
  /** Paths of packages of `tool`. */
  readonly tools: readonly { readonly path: string; readonly line: number }[];
  /** Module -> the module that `replace` takes in its place. */
  readonly renamed: ReadonlyMap<string, string>;
}

/** A path that imports begin with, and the folder where its packages are. */
interface GoModule {
  readonly path: string;
  readonly folder: string;
  readonly line: number;
}

/** First names of the packages that come with Go 1.26, without those that only it may import. */
const STANDARD = new Set(
  `archive bufio builtin bytes cmp compress container context crypto database debug embed encoding errors expvar flag fmt
  go hash html image index internal io iter log maps math mime net os path plugin reflect regexp runtime simd slices sort
  strconv strings structs sync syscall testing text time unicode unique unsafe weak`.split(/\s+/),
);

/**
 * Resolves import paths of Go by the modules of the repository, by what `replace` in go.mod and go.work leads to, and by
 * what go.mod requires. The longest matching path decides; a file's own module is asked first.
 */
export const goPackages: OpenPackages = async (repository, { primitivesFolder }) => {
  const files = new Map<string, GoFile>();
  for (const path of repository.named('go.mod', 'go.work')) {
    files.set(path, readGoFile((await repository.text(path)) ?? '', path));
  }
  const all = byPath([...files.values()].flatMap(({ folders }) => folders));
  const own = new Map([...files].map(([path, { folders }]) => [path, byPath(folders)]));
  const at = (path: string): Target => {
    const real = repository.realPath(path);
    return real === undefined ? { type: 'outside' } : { type: 'path', path: real };
  };
  const inModule = (module: GoModule, specifier: string): Target =>
    at(posix.join(module.folder, specifier.slice(module.path.length)));
  return {
    mentions: () => pathMentions(repository, primitivesFolder, 'go.mod', 'go.work'),
    placeOf: (from) => `${repository.nearest(from, 'go.mod')} ${repository.nearest(from, 'go.work')}`,
    resolverFor: async (from) => {
      const manifest = repository.nearest(from, 'go.mod') ?? '';
      const work = files.get(repository.nearest(from, 'go.work') ?? '');
      return (specifier) => {
        if (/^\.\.?(?:\/|$)/.test(specifier)) return [at(posix.join(folderOf(from), specifier))];
        const module = moduleOf(specifier, own.get(manifest)) ?? moduleOf(specifier, all);
        return [
          module === undefined
            ? packageOf(specifier, files.get(manifest), work)
            : inModule(module, specifier),
        ];
      };
    },
    dependencies: async () => {
      const found: Dependency[] = [];
      for (const file of files.values()) {
        for (const module of file.folders.filter(({ folder }) => folder !== posix.dirname(file.path))) {
          const target = inModule(module, module.path);
          found.push({ path: file.path, line: module.line, specifier: module.path, target });
        }
        const named = [...file.requires.filter(({ indirect }) => !indirect), ...file.tools];
        for (const { path, line } of named) {
          const target = packageOf(path, file, undefined);
          if (moduleOf(path, all) === undefined)
            found.push({ path: file.path, line, specifier: path, target });
        }
      }
      return found;
    },
  };
};

/** A package that is not in the repository. */
function packageOf(specifier: string, own: GoFile | undefined, work: GoFile | undefined): Target {
  const [first = ''] = specifier.split('/', 1);
  if (STANDARD.has(first)) return { type: 'package', name: specifier, known: 'standard' };
  const within = (path: string) => specifier === path || specifier.startsWith(`${path}/`);
  const required = own?.requires.find(({ path }) => within(path));
  const renamed = [...(work?.renamed ?? []), ...(own?.renamed ?? [])].find(([path]) => within(path));
  const name = renamed === undefined ? specifier : renamed[1] + specifier.slice(renamed[0].length);
  // A name without a dot is on no server: only a go.mod that is not here can give it a meaning.
  const otherwise = first.includes('.') ? 'undeclared' : 'unresolved';
  return {
    type: 'package',
    name,
    known: required === undefined && renamed === undefined ? otherwise : 'declared',
    ...(own === undefined ? {} : { manifest: own.path }),
  };
}

/** Of two modules with a path, the first. */
function byPath(modules: readonly GoModule[]): ReadonlyMap<string, GoModule> {
  return new Map(modules.toReversed().map((module) => [module.path, module]));
}

/** The module with the longest path that a package is below. */
function moduleOf(
  specifier: string,
  modules: ReadonlyMap<string, GoModule> | undefined,
): GoModule | undefined {
  return nearestName(specifier, '/', (path) => modules?.get(path));
}

/** The directives of a go.mod or go.work that decide what imports mean; folders may leave the repository. */
function readGoFile(text: string, path: string): GoFile {
  const folder = posix.dirname(path);
  const directives = directivesOf(text);
  const named = (verb: string) => directives.filter((one) => one.verb === verb);
  const replaced = named('replace').flatMap(({ args, line }) => {
    const to = args[args.indexOf('=>') + 1];
    return args.includes('=>') && to !== undefined ? [{ path: args[0] ?? '', to, line }] : [];
  });
  const isFolder = (to: string) => /^\.\.?(?:\/|$)|^\//.test(to);
  const placed = ({ args, line }: Directive) => ({ path: args[0] ?? '', line });
  return {
    path,
    folders: [
      ...named('module').map((one) => ({ ...placed(one), folder })),
      ...replaced
        .filter(({ to }) => isFolder(to))
        .map(({ to, ...one }) => ({ ...one, folder: posix.isAbsolute(to) ? '..' : posix.join(folder, to) })),
    ],
    requires: named('require').map((one) => ({ ...placed(one), indirect: one.indirect })),
    tools: named('tool').map(placed),
    renamed: new Map(replaced.filter(({ to }) => !isFolder(to)).map((one) => [one.path, one.to])),
  };
}

/** A line of go.mod that says something. */
interface Directive {
  readonly verb: string;
  readonly args: readonly string[];
  readonly line: number;
  readonly indirect: boolean;
}

function directivesOf(text: string): readonly Directive[] {
  let block = '';
  return text.split('\n').flatMap((line, i) => {
    const [verb = '', ...args] = wordsOf(line, block);
    if (verb === ')') block = '';
    if (args[0] === '(') block = verb;
    if (args[0] === undefined || args[0] === '(') return [];
    return [{ verb, args, line: i + 1, indirect: /\/\/\s*indirect\b/.test(line) }];
  });
}

/** A directive and its arguments, without quotes and comments; in a block, each line is one. */
function wordsOf(line: string, block: string): readonly string[] {
  const words = line
    .replace(/\/\/.*/, '')
    .replace(/[()]/g, ' $& ')
    .split(/\s+/)
    .filter((word) => word !== '')
    .map((word) => word.replace(/^["`]|["`]$/g, ''));
  return block === '' || words[0] === ')' ? words : [block, ...words];
}
