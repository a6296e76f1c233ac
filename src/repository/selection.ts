import { posix, resolve } from 'node:path';
import { PrimitiveError } from '../core/errors.ts';
import { nearest } from '../core/nearest.ts';
import type { Component } from './component.ts';
import { pathBelow } from './discovery.ts';

/** Selection of the user: `--kind K --name N`, or positional selectors. */
export interface Selection {
  readonly kind?: string | undefined;
  readonly name?: string | undefined;
  /** `domain/orders`, a path, or `.`. */
  readonly selectors: readonly string[];
}

/** Base of relative paths in a selection, and the root of components. Both absolute, links resolved. */
export interface SelectionBase {
  readonly cwd: string;
  readonly repositoryRoot: string;
}

/** Data that a selection chooses by. */
type Named = Pick<Component, 'id' | 'kind' | 'name' | 'path'>;

/**
 * The components that were named, in their order; all of them if nothing was named.
 *
 * A path names the component that it is in, or all that are below it. Nothing else narrows: not the current folder,
 * and each selector must name something. Throws `selection-unknown`, `selection-ambiguous`, `selection-mixed` (exit 2).
 */
export function selectComponents<T extends Named>(
  components: readonly T[],
  selection: Selection,
  base: SelectionBase,
): readonly T[] {
  const { kind, name, selectors } = selection;
  if (kind === undefined && name === undefined) {
    if (selectors.length === 0) return components;
    const chosen = new Set(selectors.flatMap((selector) => bySelector(components, selector, base)));
    return components.filter((component) => chosen.has(component));
  }
  if (selectors.length > 0) {
    throw new PrimitiveError(
      'selection-mixed',
      `--kind and --name cannot be combined with ${selectors.join(' ')}.`,
      {
        why: 'both select components',
        suggestions: ['Use one form: `domain/orders process/billing`, or `--kind domain --name orders`.'],
      },
    );
  }
  return byFlags(components, kind, name);
}

function byFlags<T extends Named>(
  components: readonly T[],
  kind: string | undefined,
  name: string | undefined,
): readonly T[] {
  const ofKind = components.filter((component) => kind === undefined || component.kind === kind);
  if (ofKind.length === 0)
    throw unknown(`--kind ${kind}`, kind ?? '', unique(components.map((one) => one.kind)));
  const found = ofKind.filter((component) => name === undefined || component.name === name);
  if (found.length === 0) throw unknown(`--name ${name}`, name ?? '', unique(ofKind.map((one) => one.name)));
  if (kind === undefined && found.length > 1) {
    throw new PrimitiveError('selection-ambiguous', `${found.length} components are named ${name}.`, {
      why: found.map(({ id }) => id).join(', '),
      suggestions: found.map((component) => `--kind ${component.kind} --name ${name}`),
    });
  }
  return found;
}

function bySelector<T extends Named>(
  components: readonly T[],
  selector: string,
  base: SelectionBase,
): readonly T[] {
  const named = components.filter(({ id }) => id === selector);
  if (named.length > 0) return named;
  const path = pathBelow(base.repositoryRoot, resolve(base.cwd, selector));
  const found = components.filter(
    (component) => path !== undefined && (isWithin(component.path, path) || isWithin(path, component.path)),
  );
  if (found.length > 0) return found;
  throw unknown(
    selector,
    selector,
    components.flatMap((component) => [component.id, component.name, component.path]),
    (meant) =>
      components.find(({ id, name, path: folder }) => [id, name, folder].includes(meant))?.id ?? meant,
  );
}

function isWithin(path: string, folder: string): boolean {
  return folder === '' || path === folder || path.startsWith(`${folder}/`);
}

function unknown(
  shown: string,
  word: string,
  candidates: readonly string[],
  call: (candidate: string) => string = (candidate) => candidate,
): PrimitiveError {
  const meant = nearest(posix.normalize(word).replace(/\/$/, ''), candidates);
  const known = unique(candidates.map(call));
  return new PrimitiveError('selection-unknown', `No component matches ${shown}.`, {
    why: `Components: ${known.slice(0, 10).join(', ')}${known.length > 10 ? ` and ${known.length - 10} more` : ''}`,
    suggestions: meant === undefined ? ['primitive list'] : [`Did you mean ${call(meant)}?`],
  });
}

function unique(values: readonly string[]): readonly string[] {
  return [...new Set(values)];
}
