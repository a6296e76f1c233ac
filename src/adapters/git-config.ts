import { PrimitiveError } from '../core/errors.ts';
import { shellWord } from '../core/show-path.ts';

/** A line of git's configuration. */
export interface ConfigEntry {
  /** As git writes it: section and name in lower case. */
  readonly key: string;
  /** Empty for a key without one. */
  readonly value: string;
  /** Whether the repository itself says it, and not the user or the system. */
  readonly own: boolean;
}

/** Keys by which a configuration makes one of our git commands start a program, and the value that does without. */
const PROGRAMS: readonly (readonly [key: RegExp, neutral: string])[] = [
  // `status` and `diff` run filters on files that look changed.
  [/^filter\..+\.(?:clean|smudge|process)$/s, ''],
  // `fetch` runs these, and so does every command that looks for an object in a partial clone.
  [/^core\.sshcommand$/, 'ssh'],
  [/^core\.askpass$/, ''],
  [/^core\.alternaterefscommand$/, ':'],
  // For the URL `name::address` git starts `git remote-name`, which an alias can be.
  [/^alias\./, ''],
  [/^hook\..+\.command$/s, ':'],
];
/** No option overrides these: of `uploadpack` the first value counts, and for an empty `vcs` git starts `git remote-`. */
const FIXED = /^remote\..+\.(?:uploadpack|vcs)$/s;
const CREDENTIAL_HELPER = /^credential\.(?:.+\.)?helper$/s;
/** A filter that is required and switched off fails. */
const FILTER = /^(filter\..+)\.(?:clean|smudge|process)$/s;

/**
 * The `-c` options that undo what the repository's own configuration (`local` and `worktree` scope) says about programs;
 * what the user's or the system's says stays in force.
 *
 * Throws `git-config-unsafe` (exit 2) for a key that no option can override.
 */
export function programOverrides(entries: readonly ConfigEntry[]): readonly string[] {
  const settings: [key: string, value: string][] = [];
  for (const { key, own } of entries) if (own && FIXED.test(key)) throw unsafe(key);
  for (const key of new Set(entries.filter(({ own }) => own).map((entry) => entry.key))) {
    const [, neutral] = PROGRAMS.find(([pattern]) => pattern.test(key)) ?? [];
    if (neutral === undefined) continue;
    const theirs = entries.findLast((entry) => !entry.own && entry.key === key);
    settings.push([key, theirs?.value ?? neutral]);
    const filter = FILTER.exec(key)?.[1];
    if (filter !== undefined && theirs === undefined) settings.push([`${filter}.required`, 'false']);
  }
  const helpers = entries.filter(({ key }) => CREDENTIAL_HELPER.test(key));
  if (helpers.some(({ own }) => own)) {
    // An empty value clears the list, of all hosts.
    settings.push(['credential.helper', '']);
    for (const { key, value, own } of helpers) if (!own) settings.push([key, value]);
  }
  // `-c` ends the key at the first `=`.
  const [split] = settings.find(([key]) => key.includes('=')) ?? [];
  if (split !== undefined) throw unsafe(split);
  return settings.flatMap(([key, value]) => ['-c', `${key}=${value}`]);
}

function unsafe(key: string): PrimitiveError {
  return new PrimitiveError(
    'git-config-unsafe',
    `Cannot override ${JSON.stringify(key)} of the git configuration`,
    {
      why: 'The repository sets a program there, and primitive does not start programs that a repository sets.',
      suggestions: [
        `git config --local --unset-all ${shellWord(key)}`,
        'Or move it to your own configuration: git config --global',
      ],
    },
  );
}

/**
 * The output of `git config --list --show-scope --null`: records of `SCOPE NUL KEY LF VALUE NUL`; a key without a value
 * has no line feed.
 */
export function parseConfig(listing: string): readonly ConfigEntry[] {
  const fields = listing.split('\0');
  const entries: ConfigEntry[] = [];
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const [scope = '', record = ''] = fields.slice(i, i + 2);
    const [key = '', ...rest] = record.split('\n');
    entries.push({ key, value: rest.join('\n'), own: scope === 'local' || scope === 'worktree' });
  }
  return entries;
}
