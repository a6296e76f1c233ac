import { matchesForeign } from '../core/foreign-pattern.ts';
import { type LanguageId, languageNamed } from '../languages/all.ts';

/** Names that Windows keeps for devices, so that no folder there can have them. */
const DEVICE = /^(con|prn|aux|nul|com[1-9]|lpt[1-9])$/;

/** Rules for the names of one kind, from its `kind.yaml`. */
export interface NameRules {
  /** Regular expression for the whole name. */
  readonly pattern: string;
  /** A language in which names become packages or modules. */
  readonly reserved?: LanguageId;
}

/** Why a text is no name by these rules, as half a sentence; undefined if it is one. */
export function nameFault(name: string, rules: NameRules): string | undefined {
  const { pattern, reserved } = rules;
  const reservation = reserved && languageNamed(reserved).nameFault(name);
  if (reservation !== undefined) return reservation;
  if (DEVICE.test(name)) return 'is a device name on Windows, so no folder can have it';
  if (name.includes('--')) return 'has two hyphens in a row';
  const matches = matchesForeign(pattern, name);
  if (matches === true) return undefined;
  if (matches === undefined) return `cannot be compared with ${pattern} of its kind, which takes too long`;
  if (name !== name.toLowerCase()) return 'has upper-case letters, which image names may not have';
  if (name.length > 63) return `has ${name.length} characters, more than a label may have (63)`;
  return `does not match ${pattern}`;
}

/** A valid name that is close to one that is not; undefined if none is. */
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
