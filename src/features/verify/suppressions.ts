import { posix } from 'node:path';
import { globFault, globMatcher } from '../../core/glob.ts';
import type { Fault } from '../../yaml/fault.ts';
import { parseYaml } from '../../yaml/read.ts';
import type { VerifyDocument, VerifyFinding } from './document.ts';
import { ABOUT_SUPPRESSIONS, familyOf, isOurs, type RuleId } from './family.ts';
import type { VerifyPorts } from './ports.ts';
import type { JudgedSuppression } from './subjects.ts';
import { type Suppression, suppressionsSchema } from './suppressions-document.ts';
import type { Snapshot } from './work-tree.ts';

export const SUPPRESSIONS = 'primitive.suppressions.yaml';

/** Suppressions with the lines that they begin on. */
export interface Suppressions {
  readonly path: string;
  readonly entries: readonly { readonly suppression: Suppression; readonly line: number }[];
}

/**
 * Reads the file beside the config; without it none.
 *
 * Throws `suppressions-…` (exit 2, with line and column): an entry without reason or owner, of an unknown rule, for
 * neither path nor fingerprint, or for what is never suppressed.
 */
export async function readSuppressions(
  tree: Snapshot,
  base: string,
  { rules, config, plugins }: Pick<VerifyPorts, 'rules' | 'config' | 'plugins'>,
): Promise<Suppressions> {
  const path = posix.join(base, SUPPRESSIONS);
  // A file that git ignores is not reviewed.
  const bytes = (await tree.list()).includes(path) ? await tree.read(path) : undefined;
  if (bytes === undefined) return { path, entries: [] };
  const text = new TextDecoder().decode(bytes);
  const document = await parseYaml({ text, shown: path, subject: 'suppressions' }, suppressionsSchema);
  const known = new Set<string>(rules.map(({ id }) => id));
  // Of a plugin that is not here: the entry is judged where it is.
  const mayBeAbsent = config.plugins.length + plugins.problems.length > 0;
  const isAbsent = (rule: RuleId) => mayBeAbsent && !known.has(rule) && !isOurs(familyOf(rule));
  const { suppressions } = document.value;
  const faults = suppressions.flatMap((one, i) => (isAbsent(one.rule) ? [] : faultsOf(one, i, known)));
  if (faults.length > 0) throw document.refusal(faults);
  const places = document.findings(suppressions.map((_, i) => ({ path: ['suppressions', i], message: '' })));
  return {
    path,
    entries: suppressions.map((suppression, i) => ({ suppression, line: places[i]?.line ?? 1 })),
  };
}

function faultsOf({ rule, path, fingerprint }: Suppression, i: number, known: ReadonlySet<string>): Fault[] {
  const at = ['suppressions', i];
  if (!known.has(rule))
    return [{ path: [...at, 'rule'], message: `rule ${rule} is unknown`, suggestion: 'primitive explain' }];
  // A check that did not run cannot be made to have passed, and these entries are judged themselves.
  if (familyOf(rule) === 'INT' || ABOUT_SUPPRESSIONS.has(rule)) {
    return [{ path: [...at, 'rule'], message: `${rule} cannot be suppressed` }];
  }
  if (path === undefined && fingerprint === undefined) {
    return [
      {
        path: at,
        message: 'a suppression names a path or a fingerprint',
        suggestion: 'fingerprint: …, as the report has it',
      },
    ];
  }
  const fault = path !== undefined && isPattern(path) ? globFault(path) : undefined;
  if (fault !== undefined) {
    return [{ path: [...at, 'path'], message: `${JSON.stringify(path)} is not a valid pattern: ${fault}` }];
  }
  if (familyOf(rule) === 'SEC' && fingerprint === undefined) {
    const message = `${rule} is suppressed by fingerprint: a path would hide the next secret in the file`;
    return [{ path: at, message, suggestion: 'fingerprint: …, as the report has it' }];
  }
  return [];
}

/** Whether a path is a pattern of files; a file may be called so, too. */
export function isPattern(path: string): boolean {
  return /[*?{[]/.test(path);
}

/** Findings split by suppressions. */
export interface Suppressed {
  readonly findings: readonly VerifyFinding[];
  readonly suppressed: VerifyDocument['suppressed'];
  readonly judged: readonly JudgedSuppression[];
}

/**
 * Takes out what is suppressed; an expired entry does so no more. `today` is a date such as 2026-11-22, and `isChecked`
 * says whether a finding of that rule and path could have come up: only then an entry is unused.
 */
export function suppress(
  findings: readonly VerifyFinding[],
  { path, entries }: Suppressions,
  { today, isChecked }: { readonly today: string; readonly isChecked: (entry: Suppression) => boolean },
): Suppressed {
  const active = entries.filter(({ suppression: { expires } }) => expires === undefined || expires >= today);
  const used = new Set<Suppression>();
  const suppressed: VerifyDocument['suppressed'][number][] = [];
  const left = findings.filter((finding) => {
    const entry = active.find(({ suppression }) => covers(suppression, finding));
    if (entry === undefined) return true;
    const { reason, owner } = entry.suppression;
    used.add(entry.suppression);
    suppressed.push({ finding, reason, owner });
    return false;
  });
  const stateOf = (one: (typeof entries)[number]): JudgedSuppression['state'] => {
    if (!active.includes(one)) return 'expired';
    if (used.has(one.suppression)) return 'used';
    return isChecked(one.suppression) ? 'unused' : 'unjudged';
  };
  const judged = entries.map((one) => ({ path, ...one, state: stateOf(one) }));
  return { findings: left, suppressed, judged };
}

function covers({ rule, path, fingerprint }: Suppression, finding: VerifyFinding): boolean {
  return (
    rule === finding.rule &&
    (path === undefined || path === finding.path || (isPattern(path) && globMatcher(path)(finding.path))) &&
    (fingerprint === undefined || fingerprint === finding.fingerprint)
  );
}
