import { PrimitiveError } from '../../core/errors.ts';
import { pathFault } from '../../core/path-fault.ts';
import { MANIFEST } from '../../repository/primitive-folders.ts';
import type { Generator } from './generator.ts';
import { isPlatform } from './platform.ts';

/**
 * Which files of shared code a primitive owns itself: those that `eject` of its `primitive.yaml` names, and all in the
 * folders that it names. Throws `eject-invalid` (exit 2) for a path that is not of shared code.
 */
export function ejectedFiles(
  eject: readonly string[] = [],
  generators: readonly Generator[] = [],
  shown: string,
): (path: string) => boolean {
  const folders = generators.filter(isPlatform).map(({ writes }) => writes);
  for (const path of eject) {
    if (pathFault(path) === undefined && folders.some((folder) => isIn(path, folder))) continue;
    throw new PrimitiveError(
      'eject-invalid',
      `${shown}${MANIFEST}: \`eject\` names ${JSON.stringify(path)}, which is not shared code.`,
      {
        why:
          folders.length === 0
            ? 'this primitive has no shared code'
            : `shared code is in ${folders.map((folder) => `${folder}/`).join(' and ')}`,
        suggestions: ['Name a file or folder of it, or remove the path from `eject`.'],
      },
    );
  }
  return (path) => isEjected(eject, path);
}

/** Whether `eject` names a file, or a folder that it is in. */
export function isEjected(eject: readonly string[] = [], path: string): boolean {
  return eject.some((ejected) => isIn(path, ejected));
}

function isIn(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}
