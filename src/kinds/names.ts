/** Languages whose keywords a name can be kept from, since it becomes a package or module name. */
export type ReservedLanguage = 'go' | 'python' | 'ts';

/** Keywords that the languages' specifications reserve, lower-case ones only: no name has capitals. */
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
  if (rules.reserved !== undefined && RESERVED[rules.reserved].has(name)) {
    return `is a word that ${rules.reserved} reserves`;
  }
  if (new RegExp(rules.pattern, 'u').test(name)) return undefined;
  if (name !== name.toLowerCase()) return 'has upper-case letters, which image names may not have';
  if (name.length > 63) return `has ${name.length} characters, more than a label may have (63)`;
  return `does not match ${rules.pattern}`;
}
