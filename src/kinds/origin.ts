import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { lockedPackage } from '../core/npm-lock.ts';
import { field, optional } from '../core/object.ts';
import { OWN_PACKAGE } from '../core/package.ts';
import { PACKAGE_NAME } from '../plugins/names.ts';
import type { TemplateOrigin } from '../repository/provenance.ts';
import { type Kind, OWN_KINDS } from './kind.ts';

/** The package that a kind is from, or what stands for the repository. */
export function packageOf({ source }: Pick<Kind, 'source'>): string {
  return source === OWN_KINDS ? OWN_PACKAGE : source;
}

/** The folder of a package's kinds, below the package. */
export function kindsFolder(name: string): string {
  return name === OWN_PACKAGE ? 'templates/kinds' : 'kinds';
}

/**
 * The package that a kind is from, with its integrity if the lock file of the repository, `lock`, has that version;
 * undefined for a kind of the repository itself, whose history is that of the repository.
 */
export async function originOf(
  { folder, source }: Pick<Kind, 'folder' | 'source'>,
  lock: string | undefined,
): Promise<TemplateOrigin | undefined> {
  const name = packageOf({ source });
  if (!PACKAGE_NAME.test(name)) return undefined;
  const root = join(
    dirname(folder),
    ...kindsFolder(name)
      .split('/')
      .map(() => '..'),
  );
  const text = await readFile(join(root, 'package.json'), 'utf8').catch(() => '{}');
  const version = field(JSON.parse(text), 'version');
  if (typeof version !== 'string') return undefined;
  const locked = lock === undefined ? undefined : lockedPackage(lock, name);
  return {
    package: name,
    version,
    ...optional('integrity', locked?.version === version ? locked.integrity : undefined),
  };
}
