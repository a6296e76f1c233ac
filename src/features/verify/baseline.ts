import { PrimitiveError } from '../../core/errors.ts';
import { parseYaml } from '../../yaml/read.ts';
import { type BaselineEntry, baselineSchema } from './baseline-document.ts';
import type { VerifyFinding } from './document.ts';
import { ABOUT_SUPPRESSIONS, familyOf, type RuleId } from './family.ts';

/** The file that `--baseline` names. */
export interface BaselineFile {
  /** As the user named it. */
  readonly shown: string;
  /** Relative to the root of the repository. */
  readonly path?: string | undefined;
  /** The text; undefined if there is no such file. */
  read(): Promise<string | undefined>;
  /** Replaces it as a whole. */
  write(text: string): Promise<void>;
}

/** Request of a user about a baseline. */
export interface BaselineRequest {
  /** Remove entries that cover no finding. */
  readonly update: boolean;
  /** Add the findings that it does not have. */
  readonly accept: boolean;
}

/** Findings split by a baseline. */
export interface Baselined {
  /** Those that count. */
  readonly findings: readonly VerifyFinding[];
  /** Those that were there before. */
  readonly known: readonly VerifyFinding[];
  /** Entries that cover no finding, although one could have come up. */
  readonly stale: readonly BaselineEntry[];
}

/** No baseline covers checks that did not run, nor itself. */
function mayBeKnown({ rule, level }: VerifyFinding): boolean {
  return familyOf(rule) !== 'INT' && !ABOUT_SUPPRESSIONS.has(rule) && level !== 'info';
}

/**
 * The entries of a baseline; none of a file that is to be written and is not there yet.
 *
 * Throws `baseline-missing` and `baseline-…` (exit 2).
 */
export async function readBaseline(
  file: BaselineFile,
  { accept }: BaselineRequest,
): Promise<readonly BaselineEntry[]> {
  const text = await file.read();
  if (text !== undefined) {
    const document = await parseYaml({ text, shown: file.shown, subject: 'baseline' }, baselineSchema);
    return document.value.findings;
  }
  if (accept) return [];
  throw new PrimitiveError(
    'baseline-missing',
    `Cannot read the baseline ${file.shown}: there is no such file.`,
    {
      suggestions: [`primitive verify --baseline ${file.shown} --update-baseline --accept`],
    },
  );
}

/** Takes out what was there before. `isChecked` says whether a finding of that rule and path could have come up. */
export function applyBaseline(
  findings: readonly VerifyFinding[],
  entries: readonly BaselineEntry[],
  isChecked: (rule: RuleId, path: string) => boolean,
): Baselined {
  const entryOf = new Map(entries.map((entry) => [entry.fingerprint, entry]));
  const isKnown = (finding: VerifyFinding) =>
    mayBeKnown(finding) && entryOf.get(finding.fingerprint)?.rule === finding.rule;
  const known = findings.filter(isKnown);
  const used = new Set(known.map(({ fingerprint }) => fingerprint));
  return {
    findings: findings.filter((finding) => !isKnown(finding)),
    known,
    stale: entries.filter(({ fingerprint, rule, path }) => !used.has(fingerprint) && isChecked(rule, path)),
  };
}

/** The baseline after a run: it shrinks, and grows only if that is asked for. */
export function nextBaseline(
  entries: readonly BaselineEntry[],
  { findings, stale }: Baselined,
  { accept }: BaselineRequest,
): readonly BaselineEntry[] {
  const left = entries.filter((entry) => !stale.includes(entry));
  const more = accept ? findings.filter(mayBeKnown) : [];
  return [...left, ...more.map(({ rule, path, fingerprint }) => ({ rule, path, fingerprint }))];
}

/** The text of a baseline, a line for each entry, so that two branches that shrink it do not conflict. */
export function baselineText(entries: readonly BaselineEntry[]): string {
  const lines = [...new Map(entries.map((entry) => [entry.fingerprint, entry])).values()]
    .map(({ rule, path, fingerprint }) => JSON.stringify({ path, rule, fingerprint }))
    .sort((a, b) => (a < b ? -1 : 1));
  const findings = lines.length === 0 ? '[]' : `[\n    ${lines.join(',\n    ')}\n  ]`;
  return `{\n  "schema": "primitive.baseline/v1",\n  "findings": ${findings}\n}\n`;
}
