import type { SourceTree } from './source-tree.ts';

/** Something in a text of code that a program may load. It is no import: only where it leads into another primitive it counts. */
export interface Mention {
  readonly kind: 'path' | 'module';
  /** `../../billing/api`, `other.api`, `@acme/admin`. */
  readonly text: string;
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 code units. */
  readonly column: number;
}

/** Paths that leave a folder, and those from the root of the repository; with `!`, a pattern takes one away. */
const PATH =
  /!?(?:\.{1,2}\/){1,30}[\w@+-][\w@.+/-]{0,300}|(?<![\w./@-])primitives\/[\w-]{1,100}\/[\w@.+/-]{1,300}/g;
/** The same in parts, as arguments of a function that joins them: `"..", "..", "billing"`. */
const PARTS =
  /(["'`])\.\.\/?\1[ \t]{0,20},\s{0,200}(?:["'`][\w@./-]{1,100}["'`][ \t]{0,20},?\s{0,200}){1,20}/g;
const MAY_LEAVE = /\.\.[/"'`]|primitives\//;

/** Something found in a text, with the index that it begins at. */
export interface Found {
  readonly kind: Mention['kind'];
  readonly text: string;
  readonly index: number;
}

/** Paths in a text that lead out of a folder. */
export function pathsIn(text: string): readonly Found[] {
  if (!MAY_LEAVE.test(text)) return [];
  const whole = [...text.matchAll(PATH)]
    .filter(
      ({ 0: path }) => !path.startsWith('!') && (path.includes('../') || path.startsWith('primitives/')),
    )
    .map(({ 0: path, index }): Found => ({ kind: 'path', text: path, index }));
  const joined = [...text.matchAll(PARTS)].map(({ 0: parts, index }): Found => {
    const names = [...parts.matchAll(/["'`]([\w@./-]{1,100})["'`]/g)].map(([, name = '']) => name);
    return { kind: 'path', text: names.join('/'), index: index + 1 };
  });
  return [...whole, ...joined];
}

/** What modules a pattern finds in a text, by its first group that matches. */
export function modulesIn(text: string, pattern: RegExp): readonly Found[] {
  return [...text.matchAll(pattern)].flatMap((match): readonly Found[] => {
    const module = match.slice(1).find((one) => one !== undefined);
    return module === undefined
      ? []
      : [{ kind: 'module', text: module, index: match.index + match[0].indexOf(module) }];
  });
}

/** Found texts with their places, once each; `text` is that of the file. */
export function placed(found: readonly Found[], text: string): readonly Mention[] {
  let line = 1;
  let start = 0;
  const seen = new Set<string>();
  return [...found]
    .sort((a, b) => a.index - b.index)
    .flatMap(({ kind, text: what, index }) => {
      for (let end = text.indexOf('\n', start); end >= 0 && end < index; end = text.indexOf('\n', start)) {
        line += 1;
        start = end + 1;
      }
      const key = `${kind} ${what} ${line}`;
      if (seen.has(key)) return [];
      seen.add(key);
      return [{ kind, text: what, line, column: index - start + 1 }];
    });
}

/** A piece of a text: from `start`, up to but without `end`. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** What begins in one of some spans, with the innermost such span. Spans are disjoint or one in the other. */
export function within<T extends Span>(
  found: readonly Found[],
  spans: readonly T[],
): readonly { readonly one: Found; readonly span: T }[] {
  const waiting = [...spans].sort((a, b) => b.start - a.start);
  const open: T[] = [];
  return [...found]
    .sort((a, b) => a.index - b.index)
    .flatMap((one) => {
      for (let next = waiting.at(-1); next !== undefined && next.start <= one.index; next = waiting.at(-1)) {
        open.push(next);
        waiting.pop();
      }
      while ((open.at(-1)?.end ?? Infinity) <= one.index) open.pop();
      const span = open.at(-1);
      return span === undefined ? [] : [{ one, span }];
    });
}

/** What a manifest or settings name besides dependencies, such as entry points and scripts. */
export interface ManifestMentions {
  /** Relative to the root of the repository. */
  readonly path: string;
  readonly mentions: readonly Mention[];
}

/** The paths in files of some names below a folder. */
export async function pathMentions(
  repository: SourceTree,
  folder: string,
  ...names: readonly string[]
): Promise<readonly ManifestMentions[]> {
  const found: ManifestMentions[] = [];
  for (const path of repository.named(...names)) {
    if (!path.startsWith(`${folder}/`)) continue;
    const text = (await repository.text(path)) ?? '';
    const paths = pathsIn(text);
    if (paths.length > 0) found.push({ path, mentions: placed(paths, text) });
  }
  return found;
}
