import { posix, relative, sep } from 'node:path';
import { PrimitiveError } from '../../core/errors.ts';
import { pathBelow } from '../../workspace/discovery.ts';
import { globRoot } from '../../workspace/globs.ts';
import { type Selection, selectComponents } from '../../workspace/selection.ts';
import { FAMILIES, type Family, familyOf, type RuleId } from './family.ts';
import type { VerifyPorts, VerifyRequest } from './ports.ts';
import { readPrimitives } from './primitives.ts';
import type { Primitive } from './subjects.ts';
import { SUPPRESSIONS } from './suppressions.ts';

/** What is checked of a repository. */
export interface Scope {
  /** The folder of the config, relative to the root of the repository; '' for the root. */
  readonly base: string;
  /** All primitives, sorted by id. */
  readonly primitives: readonly Primitive[];
  /** Those that are checked. */
  readonly selected: readonly Primitive[];
  /** Files that are read, relative to the root of the repository. */
  readonly files: readonly string[];
  /** Folders with a repository of their own, whose files are not read. */
  readonly foreign: readonly string[];
  readonly families: readonly Family[];
  /** The primitive that a file belongs to. */
  readonly ownerOf: (path: string) => Primitive | undefined;
  /** Whether a finding of that rule in that file would have come up. */
  readonly covers: (rule: RuleId, path: string | undefined) => boolean;
}

/** What a scope is read with. */
export type ScopePorts = Pick<VerifyPorts, 'tree' | 'config' | 'kinds' | 'location' | 'cwd'>;

/** Throws `components-none`, `selection-…`, `revision-…` and `verify-mode` (exit 2). */
export async function readScope(request: VerifyRequest, ports: ScopePorts): Promise<Scope> {
  const { tree, config, kinds, location } = ports;
  const base = pathBelow(tree.root, location.root) ?? '';
  const primitives = await readPrimitives(tree, { location, config, kinds, base });
  const selected = await select(primitives, request, ports);
  const isRepo = request.mode === 'repo';
  const files = isRepo
    ? await tree.list()
    : selected.flatMap(({ path, files }) => files.map((file) => `${path}/${file}`));
  const { families: asked, tests } = request;
  // What keeps a check from running is always said.
  const families = FAMILIES.filter((one) => asked.length === 0 || asked.includes(one) || one === 'INT');
  const ownerOf = ownerIn(primitives);
  const foreign = (await tree.repositories()).filter((path) => {
    const owner = ownerOf(path);
    const isSelected =
      owner === undefined ? path.startsWith(`${posix.join(base, 'primitives')}/`) : selected.includes(owner);
    return isRepo || isSelected;
  });
  return {
    base,
    primitives,
    selected,
    files,
    foreign,
    families,
    ownerOf,
    covers: (rule, path) => {
      const family = familyOf(rule);
      if (!families.includes(family) || (family === 'TEST' && !tests)) return false;
      return isRepo || selected.some((one) => path === one.path || path?.startsWith(`${one.path}/`));
    },
  };
}

/** The primitives that are meant, in their order. */
async function select(
  primitives: readonly Primitive[],
  { selection, changedSince, mode }: VerifyRequest,
  { tree, cwd, location }: ScopePorts,
): Promise<readonly Primitive[]> {
  if (mode === 'repo' && (isNarrow(selection) || changedSince !== undefined)) {
    throw new PrimitiveError('verify-mode', '--mode repo checks the whole repository.', {
      why: 'A selection or --changed-since narrows what is checked.',
      suggestions: ['primitive verify --mode repo', 'Or without --mode repo: primitive verify domain/orders'],
    });
  }
  if (mode === 'primitives' && primitives.length === 0) {
    throw new PrimitiveError('components-none', `No primitive found in ${location.root}/primitives.`, {
      why: 'A primitive is a folder primitives/<kind>/<name>; nothing would be checked.',
      suggestions: ['primitive scaffold --kind domain --name orders', 'primitive verify --mode repo'],
    });
  }
  const named = primitives.map((primitive) => {
    const [kind = '', name = ''] = primitive.id.split('/');
    return { id: primitive.id, kind, name, path: primitive.path, primitive };
  });
  const chosen = selectComponents(named, selection, { cwd, repositoryRoot: tree.root });
  const all = chosen.map(({ primitive }) => primitive);
  if (changedSince === undefined) return all;
  const changed = await tree.changedSince(changedSince);
  const config = relative(tree.root, location.path).split(sep).join('/');
  const suppressions = posix.join(posix.dirname(config), SUPPRESSIONS);
  if (changed.includes(config) || changed.includes(suppressions)) return all;
  return all.filter((primitive) => changed.some((file) => isPartOf(primitive, file)));
}

function isNarrow({ selectors, kind, name }: Selection): boolean {
  return selectors.length > 0 || kind !== undefined || name !== undefined;
}

/** In its folder, or below what one of its inputs names. */
function isPartOf({ path, component }: Primitive, file: string): boolean {
  const { context = path, inputs = [] } = component?.build ?? {};
  const roots = inputs.flatMap((glob) => globRoot(glob) ?? []).map((root) => posix.join(context, root));
  return [path, ...roots].some((root) => root === '.' || file === root || file.startsWith(`${root}/`));
}

function ownerIn(primitives: readonly Primitive[]): Scope['ownerOf'] {
  const byPath = new Map(primitives.map((primitive) => [primitive.path, primitive]));
  const depth = (primitives[0]?.path ?? '').split('/').length;
  return (path) => byPath.get(path.split('/').slice(0, depth).join('/'));
}
