import { matchesForeign } from '../core/foreign-pattern.ts';

/** Languages whose keywords a name can be kept from, since it becomes a package or module name. */
export type ReservedLanguage = 'go' | 'python' | 'ts';

/**
 * Words that cannot be a name alone: keywords, and for Go the folders that its tools treat specially.
 *
 * Predeclared identifiers, builtins and modules of a standard library are not refused: each word that is made of a name
 * has a prefix or suffix (`acme_agent_email`, `stringv1`). All lower case: no name has capitals.
 */
const RESERVED: Readonly<Record<ReservedLanguage, ReadonlySet<string>>> = {
  go: words(`break case chan const continue default defer else fallthrough for func go goto if import interface map
    package range return select struct switch type var internal main testdata vendor`),
  python:
    words(`and as assert async await break class continue def del elif else except finally for from global if
    import in is lambda nonlocal not or pass raise return try while with yield`),
  ts: words(`break case catch class const continue debugger default delete do else enum export extends false finally
    for function if import in instanceof new null return super switch this throw true try typeof var void while with
    yield let static implements interface package private protected public await`),
};

/** Names that Windows keeps for devices, so that no folder there can have them. */
const DEVICE = /^(con|prn|aux|nul|com[1-9]|lpt[1-9])$/;

/** What Go takes for the major version of a module when a path ends in it. */
const MAJOR_VERSION = /^v[0-9]+$/;

function words(text: string): ReadonlySet<string> {
  return new Set(text.split(/\s+/));
}

/** Rules for the names of one kind, from its `kind.yaml`. */
export interface NameRules {
  /** Regular expression for the whole name. */
  readonly pattern: string;
  readonly reserved?: ReservedLanguage;
}

/** Why a text is no name by these rules, as half a sentence; undefined where it is one. */
export function nameFault(name: string, rules: NameRules): string | undefined {
  const { pattern, reserved } = rules;
  if (reserved !== undefined && RESERVED[reserved].has(name)) return `is a word that ${reserved} reserves`;
  if (reserved === 'go' && MAJOR_VERSION.test(name))
    return 'is a major version to Go, at the end of a module path';
  if (DEVICE.test(name)) return 'is a device on Windows, where no folder can be called so';
  if (name.includes('--')) return 'has two hyphens in a row';
  const matches = matchesForeign(pattern, name);
  if (matches === true) return undefined;
  if (matches === undefined) return `cannot be compared with ${pattern} of its kind, which takes too long`;
  if (name !== name.toLowerCase()) return 'has upper-case letters, which image names may not have';
  if (name.length > 63) return `has ${name.length} characters, more than a label may have (63)`;
  return `does not match ${pattern}`;
}

/** A valid name that is close to one that is not; undefined where none is. */
export function nameLike(name: string, kind: string, rules: NameRules): string | undefined {
  const spelled = name
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, LONGEST_MEANT)
    .replace(/^-+|(?<!-)-+$/g, '');
  return [spelled, `${spelled}-${kind}`, `${kind}-${spelled}`].find(
    (candidate) => nameFault(candidate, rules) === undefined,
  );
}

const LONGEST_MEANT = 30;

/** The one of `others` that is easily confused with `name`: it differs in case, hyphens or underscores only. */
export function clashOf(name: string, others: Iterable<string>): string | undefined {
  const folded = fold(name);
  for (const other of others) if (other !== name && fold(other) === folded) return other;
  return undefined;
}

function fold(name: string): string {
  return name.toLowerCase().replace(/[-_]/g, '');
}
