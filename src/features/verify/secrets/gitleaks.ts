import { entropyOf } from './entropy.ts';
import data from './gitleaks.json' with { type: 'json' };
import type { Literal } from './secret.ts';

/** Allow list of a rule of gitleaks, or of all. */
interface AllowList {
  /** Target of `patterns`; by default the secret. */
  readonly of?: string;
  /** `AND`: all that is given has to fit, not one of it. */
  readonly condition?: string;
  readonly paths?: readonly string[];
  readonly patterns?: readonly string[];
  readonly words?: readonly string[];
}
interface Rule {
  readonly id: string;
  /** The pattern begins at a word in the name that the secret is assigned to. */
  readonly named?: boolean;
  readonly pattern: string;
  /** In lower case; a text without any of them is not searched. */
  readonly keywords: readonly string[];
  readonly entropy?: number;
  readonly group?: number;
  readonly path?: string;
  readonly allow?: readonly AllowList[];
}
const RULES: readonly Rule[] = data.rules;
const ALLOW: readonly AllowList[] = data.allow;

/** The rule that knows no service, only words in names. */
const GENERIC = 'generic-api-key';
/** Ours for its names: the word ends it, and it is the name of no key that everybody may know. */
const GENERIC_NAME =
  /(?:access|auth|api|credentials?|creds|key|passw(?:or)?d|secret|token)s?(?:[_.-]?v?\d{1,2})?["'\]\s]{0,4}[=:>,|?]/i;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** Of what has a UUID, few are secrets. */
const UUID_NAME = /(?:secret|token|passw(?:or)?d|key)["'\]\s]{0,4}[=:]/i;
const PUBLIC_NAME =
  /idempotency|cache|partition|rout|dedup|commit|hash|digest|checksum|version|etag|address|licen[cs]e|translation|i18n|query|sort|index|group|object|public|pub[_-]?key|anon|session/i;

/** Characters that allow lists look at: some of their patterns take more than linear time. */
export const ALLOW_LENGTH = 512;

export const gitleaksWords: readonly string[] = RULES.flatMap(({ keywords }) => keywords);

/** Patterns by their flags and source: of most, no text has a word. */
const compiled = { '': new Map<string, RegExp>(), g: new Map<string, RegExp>() };

/**
 * Matches of gitleaks' rules in a text, after their entropy and allow lists. `words` are those that the text has.
 * A rule that needs a name beside the value gives an `assignment`, any other a `token`.
 */
export function findByGitleaks(path: string, text: string, words: ReadonlySet<string>): readonly Literal[] {
  if (ALLOW.some(({ paths }) => paths?.some((source) => patternOf(source).test(path)))) return [];
  return RULES.filter(
    (rule) =>
      rule.keywords.some((word) => words.has(word)) &&
      (rule.path === undefined || patternOf(rule.path).test(path)),
  ).flatMap((rule) =>
    [...text.matchAll(patternOf(rule.pattern, 'g'))].flatMap(
      (match) => literalOf(rule, match, { path, text }) ?? [],
    ),
  );
}

function literalOf(
  rule: Rule,
  match: RegExpExecArray,
  { path, text }: { readonly path: string; readonly text: string },
): Literal | undefined {
  const value = rule.group === undefined ? (match.slice(1).find(Boolean) ?? match[0]) : match[rule.group];
  if (!value || entropyOf(value) <= (rule.entropy ?? 0)) return undefined;
  const index = match.index + match[0].lastIndexOf(value);
  if (rule.named && crossesLine(text.slice(match.index, index))) return undefined;
  const start = rule.named ? startOfName(text, match.index) : match.index;
  const seen = {
    path,
    value,
    match: text.slice(start, match.index + match[0].length),
    line: lineAround(text, index),
  };
  if (rule.named && UUID.test(value) && !UUID_NAME.test(text.slice(start, index))) return undefined;
  if (rule.id === GENERIC && !isNamed(text, start, index)) return undefined;
  if (isAllowed([...ALLOW, ...(rule.allow ?? [])], seen)) return undefined;
  return rule.named
    ? { kind: 'assignment', name: nameAt(text, start) || rule.id, value, index }
    : { kind: 'token', name: rule.id, value, index };
}

/** Whether what stands before a value is the name of a credential, and no part of a path or of an image. */
function isNamed(text: string, start: number, index: number): boolean {
  const name = text.slice(start, index);
  // In a manifest, `key` mostly names an entry of something.
  if (/^key["']?:[ \t]+$/.test(name)) return false;
  return GENERIC_NAME.test(name) && !PUBLIC_NAME.test(name) && !/[/@$]/.test(text[start - 1] ?? '');
}

/** An empty value is followed by the next line: only a text in quotes may stand below its name and an operator. */
function crossesLine(between: string): boolean {
  return between.includes('\n') && !/[=:>][ \t\r]*\n[ \t]*["'`]$/.test(between);
}

/** Candidate that an allow list judges. */
interface Seen {
  readonly path: string;
  readonly value: string;
  readonly match: string;
  readonly line: string;
}

function isAllowed(lists: readonly AllowList[], { path, value, match, line }: Seen): boolean {
  return lists.some(({ of, condition, paths, patterns, words }) => {
    const target = (of === 'match' ? match : of === 'line' ? line : value).slice(0, ALLOW_LENGTH);
    const lower = value.toLowerCase();
    const checks = [
      paths?.some((source) => patternOf(source).test(path)),
      patterns?.some((source) => patternOf(source).test(target)),
      words?.some((word) => lower.includes(word)),
    ].filter((check) => check !== undefined);
    return condition === 'AND' ? checks.every(Boolean) : checks.some(Boolean);
  });
}

/** Where the name begins that a match has the end of: 50 characters before it at most, as in the rules. */
function startOfName(text: string, index: number): number {
  let start = index;
  while (start > 0 && index - start < 50 && /[\w.-]/.test(text[start - 1] ?? '')) start -= 1;
  return start;
}

function nameAt(text: string, start: number): string {
  return /^[\w.-]{1,80}/.exec(text.slice(start, start + 80))?.[0] ?? '';
}

/** The line, of a long one the part around the index. */
function lineAround(text: string, index: number): string {
  const half = ALLOW_LENGTH / 2;
  const before = text.slice(Math.max(0, index - half), index);
  const after = text.slice(index, index + half);
  const end = after.indexOf('\n');
  return before.slice(before.lastIndexOf('\n') + 1) + (end < 0 ? after : after.slice(0, end));
}

function patternOf(source: string, flags: '' | 'g' = ''): RegExp {
  const patterns = compiled[flags];
  const known = patterns.get(source);
  if (known) return known;
  const pattern = new RegExp(source, flags);
  patterns.set(source, pattern);
  return pattern;
}
