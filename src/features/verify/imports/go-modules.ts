import { posix } from 'node:path';
import type { Repository } from './repository.ts';
import type { Resolver, Target } from './target.ts';

/** A path that imports begin with, and the folder where its packages are. */
interface GoModule {
  readonly path: string;
  readonly folder: string;
}

/**
 * Resolves import paths of Go by the modules of the repository and by what `replace` in go.mod and go.work leads to a
 * folder. The longest matching path decides; a file's own module is asked first.
 */
export async function goResolver(repository: Repository): Promise<Resolver> {
  const modules = new Map<string, readonly GoModule[]>();
  for (const file of repository.named('go.mod', 'go.work')) {
    modules.set(file, readModules((await repository.text(file)) ?? '', posix.dirname(file)));
  }
  const all = [...modules.values()].flat();
  return async (specifier, from) => {
    const own = modules.get(repository.nearest(from, 'go.mod') ?? '') ?? [];
    const module = longest(own, specifier) ?? longest(all, specifier);
    if (module === undefined) return [{ type: 'package', name: specifier }];
    const path = await repository.realPath(posix.join(module.folder, specifier.slice(module.path.length)));
    const target: Target = path === undefined ? { type: 'outside' } : { type: 'path', path };
    return [target];
  };
}

function longest(modules: readonly GoModule[], specifier: string): GoModule | undefined {
  return modules
    .filter(({ path }) => specifier === path || specifier.startsWith(`${path}/`))
    .reduce<GoModule | undefined>(
      (best, module) => (best !== undefined && best.path.length >= module.path.length ? best : module),
      undefined,
    );
}

/** The `module` of a go.mod, and each `replace` with a folder; folders may leave the repository. */
function readModules(text: string, folder: string): readonly GoModule[] {
  let block = '';
  return text.split('\n').flatMap((line) => {
    const words = line
      .replace(/\/\/.*/, '')
      .trim()
      .split(/\s+/)
      .map((word) => word.replace(/^["`]|["`]$/g, ''));
    if (words[0] === ')') block = '';
    const [verb, ...args] = block === '' ? words : [block, ...words];
    if (args[0] === '(') block = verb ?? '';
    if (verb === 'module' && args[0] !== undefined) return [{ path: args[0], folder }];
    const arrow = args.indexOf('=>');
    const [path, to] = [args[0], args[arrow + 1]];
    if (verb !== 'replace' || arrow < 1 || path === undefined || !/^\.\.?(?:\/|$)|^\//.test(to ?? ''))
      return [];
    return [{ path, folder: posix.isAbsolute(to ?? '') ? '..' : posix.join(folder, to ?? '') }];
  });
}
