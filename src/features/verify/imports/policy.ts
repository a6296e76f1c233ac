import { globMatcher } from '../../../core/glob.ts';
import { isTest, type LanguageId, languageNamed } from '../../../languages/all.ts';
import { nearestName } from '../../../languages/nearest-name.ts';
import type { Context, Problem } from '../rule.ts';
import type { Subjects } from '../subjects.ts';

/** Rules of which one import breaks at most one: the first that applies. */
type PathRule = 'IMP-001' | 'IMP-002' | 'IMP-003' | 'IMP-008';

/**
 * The rule about what an import leads to that it breaks; undefined where it may be: the standard library, the primitive's
 * own code, what its manifest names and is no code of this repository, or an SDK that leads into no primitive.
 */
export function brokenPathRule(found: Subjects['import'], context: Context): PathRule | undefined {
  const { primitive, shippedBy, owner, target, proto, inManifest } = found;
  const ids = primitive === undefined ? shippedBy : [primitive.id];
  if (ids.length === 0) return undefined;
  if (owner !== undefined) return ids.every((id) => id === owner.id) ? undefined : 'IMP-001';
  if (primitive === undefined || inManifest) return undefined;
  // Most imports are these, and no list is needed for them.
  const isKnown = target.type === 'package' && target.known !== 'undeclared';
  if (target.type === 'unknown' || (isKnown && !proto)) return undefined;
  if (target.type !== 'outside' && isListed(found, context.config.imports.sdk[found.language]))
    return undefined;
  if (proto) return 'IMP-002';
  if (target.type === 'path' || target.type === 'outside') return 'IMP-003';
  return isKnown || isListed(found, context.config.imports.forbidden) ? undefined : 'IMP-008';
}

/** The entry of a list that an import falls under: of several, the one with the longest name. */
export function listed(
  { language, specifier, names, target }: Subjects['import'],
  entries: readonly string[],
): string | undefined {
  if (entries.length === 0) return undefined;
  const index = indexOf(entries, language);
  const { separator } = languageNamed(language);
  const under = (name: string) => nearestName(keyOf(name, language), separator, (one) => index.get(one));
  for (const name of names) {
    const entry = index.get(`${specifier}.${name}`);
    if (entry !== undefined) return entry;
  }
  const entry = under(specifier);
  if (entry !== undefined || target.type !== 'package' || target.name === specifier) return entry;
  return under(target.name);
}

function isListed(found: Subjects['import'], entries: readonly string[]): boolean {
  return listed(found, entries) !== undefined;
}

const indexes = new WeakMap<readonly string[], Map<LanguageId, ReadonlyMap<string, string>>>();

/** The entries of a list by the names that imports of a language are compared with; made once for each list. */
function indexOf(entries: readonly string[], language: LanguageId): ReadonlyMap<string, string> {
  const known = indexes.get(entries) ?? new Map<LanguageId, ReadonlyMap<string, string>>();
  indexes.set(entries, known);
  const index = known.get(language) ?? new Map(entries.map((entry) => [keyOf(entry, language), entry]));
  known.set(language, index);
  return index;
}

function keyOf(name: string, language: LanguageId): string {
  return languageNamed(language).canonical?.(name) ?? name;
}

/** The entry of the infrastructure that an import falls under. */
export function infrastructureOf(
  found: Subjects['import'],
  configured: readonly string[] | undefined,
): string | undefined {
  return listed(found, configured ?? languageNamed(found.language).infrastructure);
}

/** Whether a file may import infrastructure: a test, or one of those that its kind names. */
export function mayImportInfrastructure({ path, primitive, inManifest }: Subjects['import']): boolean {
  const infra = primitive?.kind?.imports?.infra;
  if (primitive === undefined || infra === undefined || inManifest) return true;
  const file = path.slice(primitive.path.length + 1);
  return isTest(file) || infra.some((glob) => globMatcher(glob)(file));
}

/** A problem at the place of an import. */
export function importProblem(
  { specifier, line, column, typeOnly, inManifest }: Subjects['import'],
  message: string,
  fix: string,
): Problem {
  const code = typeOnly ? 'Type import' : 'Import';
  const word = inManifest ? 'Dependency' : code;
  return {
    message: `${word} ${message}`,
    line,
    ...(inManifest ? {} : { column }),
    key: specifier,
    fix: { kind: 'text', text: fix },
  };
}
