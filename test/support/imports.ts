import { dirname, join, normalize } from 'node:path';

/** One import of a source file. */
export interface Import {
  /** 1-based. */
  readonly line: number;
  /** As written: `../errors.ts`, `node:fs`. */
  readonly specifier: string;
  /** For a relative one the file that it names, relative to the root of the sources; undefined for a package. */
  readonly file: string | undefined;
  /** value: loaded with the file; dynamic: loaded when it is reached; type: gone at run time. */
  readonly kind: 'value' | 'dynamic' | 'type';
}

// Formatted sources begin each statement at the start of a line, which is what makes plain matching exact.
const STATEMENT = /^(?:import|export)( type)?\b(?!\()(?:[^;'"`]*?\bfrom)? ?'([^']+)'/gm;
const CALL = /\bimport\(\s*'([^']+)'/g;
/** `import { type A, type B } from`, where nothing is left at run time. */
const ONLY_TYPES = /^import \{(?:\s*type [^,}]+,?)+\s*\} from/;
const TYPE_QUERY = /(?:typeof |: |<|\| )$/;

/** The imports and re-exports of one source file, in order. `file` is relative to the root of the sources. */
export function importsOf(file: string, source: string): readonly Import[] {
  const found: Import[] = [];
  const add = (index: number, specifier: string, kind: Import['kind']) => {
    const line = source.slice(0, index).split('\n').length;
    const target = specifier.startsWith('.') ? normalize(join(dirname(file), specifier)) : undefined;
    found.push({ line, specifier, file: target, kind });
  };
  for (const match of source.matchAll(STATEMENT)) {
    const onlyTypes = match[1] !== undefined || ONLY_TYPES.test(match[0]);
    add(match.index, match[2] ?? '', onlyTypes ? 'type' : 'value');
  }
  for (const match of source.matchAll(CALL)) {
    const isType = TYPE_QUERY.test(source.slice(0, match.index));
    add(match.index, match[1] ?? '', isType ? 'type' : 'dynamic');
  }
  return found.sort((a, b) => a.line - b.line);
}
