import type { Config } from '../../../repository/config.ts';
import type { VerifyDocument } from '../document.ts';
import type { Subjects } from '../subjects.ts';
import { listed } from './policy.ts';

/** Of what manifests name, what no import of the same primitive is about: an import says it at its own place. */
export function unusedOf(
  inManifests: readonly Subjects['import'][],
  imports: readonly Subjects['import'][],
): readonly Subjects['import'][] {
  const used = new Set(imports.map(({ primitive, specifier }) => `${primitive?.id} ${specifier}`));
  return inManifests.filter(({ primitive, specifier, language }) => {
    const start = `${primitive?.id} ${specifier}`;
    const separator = language === 'python' ? '.' : '/';
    return !used.has(start) && ![...used].some((one) => one.startsWith(`${start}${separator}`));
  });
}

/** Modules of which nothing can be said without what is installed: for each primitive, one line of what is not checked. */
export function unresolvedOf(
  imports: readonly Subjects['import'][],
  sdk: Config['imports']['sdk'],
): VerifyDocument['unchecked'] {
  const found = imports.filter(
    (one) =>
      one.primitive !== undefined &&
      one.target.type === 'package' &&
      one.target.known === 'unresolved' &&
      listed(one, sdk[one.language]) === undefined,
  );
  return [...Map.groupBy(found, ({ primitive }) => primitive?.path ?? '')]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([path, own]) => {
      const names = [...new Set(own.map(({ specifier }) => specifier))].sort();
      return {
        what: `IMP of ${path}: ${names.join(', ')}`,
        why: 'what these are is not known without what is installed',
      };
    });
}
