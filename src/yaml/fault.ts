import type { CodeAfter } from '../core/errors.ts';

/** Keys and list positions that lead to a value. */
export type YamlPath = readonly (string | number)[];

/** The end of a code: `config-unknown-key`. */
export type FaultCode = CodeAfter<'config'> & CodeAfter<'kind'>;

/** Something wrong at one place of a file's data; `yaml/read.ts` makes a `Finding` with line and column of it. */
export interface Fault {
  readonly path: YamlPath;
  readonly message: string;
  /** Without the subject: `unknown-key`; `invalid` by default. */
  readonly code?: FaultCode;
  /** Points to the key and not to its value. */
  readonly atKey?: boolean;
  readonly suggestion?: string;
}

/** A fault for each name that is listed before; `pathOf` is the place of the one at an index. */
export function repeatedFaults(
  names: readonly string[],
  pathOf: (index: number) => YamlPath,
): readonly Fault[] {
  return names.flatMap((name, i) =>
    names.indexOf(name) === i
      ? []
      : [
          {
            path: pathOf(i),
            message: `${JSON.stringify(name)} is listed twice`,
            suggestion: 'Remove one of them.',
          },
        ],
  );
}
