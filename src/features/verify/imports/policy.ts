import { globMatcher } from '../../../core/glob.ts';
import { isTest, type LanguageId, languageNamed } from '../../../languages/all.ts';
import { nearestName } from '../../../languages/nearest-name.ts';
import type { Context, Problem } from '../rule.ts';
import type { Subjects } from '../subjects.ts';

/** Rules of which one import breaks at most one: the first that applies. */
type PathRule = 'IMP-001' | 'IMP-002' | 'IMP-003' | 'IMP-008';

/**
 * The rule about what an import leads to that it breaks; undefined if it may be: the standard library, the primitive's
 * own code, what its manifest names and is no code of this repository, or an SDK that leads into no primitive.
 */
export function brokenPathRule(found: Subjects['import'], context: Context): PathRule | undefined {
  const { primitive, shippedBy, owner, target, proto, inManifest } = found;
  if (primitive === undefined)
    return owner === undefined || shippedBy.every((id) => id === owner.id) ? undefined : 'IMP-001';
  if (owner !== undefined) return primitive.id === owner.id ? undefined : 'IMP-001';
  if (inManifest) return undefined;
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
  const { byName, heads } = indexOf(entries, language);
  const { separator } = languageNamed(language);
  const under = (name: string) => {
    const key = keyOf(name, language);
    // Most names begin as none of the list.
    if (!heads.has(headOf(key, separator))) return undefined;
    return nearestName(key, separator, (one) => byName.get(one));
  };
  for (const name of names) {
    const entry = byName.get(`${specifier}.${name}`);
    if (entry !== undefined) return entry;
  }
  const entry = under(specifier);
  if (entry !== undefined || target.type !== 'package' || target.name === specifier) return entry;
  return under(target.name);
}

function isListed(found: Subjects['import'], entries: readonly string[]): boolean {
  return listed(found, entries) !== undefined;
}

/** The entries of a list by the names that imports of a language are compared with, and the first parts of these. */
interface Index {
  readonly byName: ReadonlyMap<string, string>;
  readonly heads: ReadonlySet<string>;
}

const indexes = new WeakMap<readonly string[], Map<LanguageId, Index>>();

/** Made once for each list. */
function indexOf(entries: readonly string[], language: LanguageId): Index {
  const known = indexes.get(entries) ?? new Map<LanguageId, Index>();
  indexes.set(entries, known);
  let index = known.get(language);
  if (index === undefined) {
    const { separator } = languageNamed(language);
    const byName = new Map(entries.map((entry) => [keyOf(entry, language), entry]));
    index = { byName, heads: new Set([...byName.keys()].map((name) => headOf(name, separator))) };
    known.set(language, index);
  }
  return index;
}

/** The first part of a name. */
function headOf(name: string, separator: string): string {
  const end = name.indexOf(separator);
  return end < 0 ? name : name.slice(0, end);
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
  { specifier, line, column, typeOnly, inManifest, mentioned }: Subjects['import'],
  message: string,
  fix: string,
): Problem {
  const code = typeOnly ? 'Type import' : 'Import';
  const word = inManifest ? 'Dependency' : mentioned ? 'Text' : code;
  return {
    message: `${word} ${message}`,
    line,
    ...(inManifest ? {} : { column }),
    key: specifier,
    fix: { kind: 'text', text: fix },
  };
}
