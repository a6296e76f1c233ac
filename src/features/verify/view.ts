import { readFileSync } from 'node:fs';
import type { ExitCode } from '../../core/errors.ts';
import { findingText } from '../../core/finding.ts';
import { packagePath } from '../../core/package.ts';
import { hangAdvice } from '../../render/advice.ts';
import { type JunitCase, type JunitSuite, junitXml } from '../../render/junit.ts';
import type { Outcome } from '../../render/outcome.ts';
import { sarifLog } from '../../render/sarif.ts';
import type { Style } from '../../render/style.ts';
import { table } from '../../render/table.ts';
import { markdownText, sanitize, sanitizeLine } from '../../render/text.ts';
import type { VerifyDocument, VerifyFinding } from './document.ts';
import { familyOf, inOrder } from './family.ts';
import type { AnyRule } from './rule.ts';
import type { VerifyResult } from './run.ts';
import { junitSuite } from './suites/evidence.ts';

const EXIT: Readonly<Record<VerifyDocument['verdict'], ExitCode>> = {
  passed: 0,
  partial: 0,
  failed: 1,
  incomplete: 3,
};

/** Everything that `verify` can be shown as. */
export function verifyOutcome(
  { document, runs, blocked = new Map() }: Pick<VerifyResult, 'document' | 'runs'> & Partial<VerifyResult>,
  rules: readonly AnyRule[],
  version: string,
  { maxFindings = Number.POSITIVE_INFINITY }: { readonly maxFindings?: number } = {},
): Outcome {
  const markdown = () => verifyMarkdown(document);
  return {
    document,
    text: (style) => verifyText(document, rules, style, maxFindings),
    exit: EXIT[document.verdict],
    reports: {
      sarif: () => verifySarif(document, rules, version),
      junit: () => junitXml([findingsSuite(document, rules, blocked), ...runs.map(junitSuite)]),
      markdown,
    },
    github: { findings: document.findings, summary: markdown },
  };
}

function verifySarif(document: VerifyDocument, rules: readonly AnyRule[], version: string): string {
  const { findings, suppressed, baselined, unchecked, verdict, account, compared } = document;
  const obstacles = findings.filter(({ rule }) => familyOf(rule) === 'INT');
  const invocation = {
    successful: verdict !== 'incomplete',
    notifications: [
      ...obstacles.map((one) => ({ id: one.rule, level: 'error' as const, text: findingText(one) })),
      ...unchecked.map(({ what, why }) => ({
        id: 'not-checked',
        level: 'note' as const,
        text: `${what} is not checked: ${why}`,
      })),
    ],
    properties: { verdict, account, compared },
  };
  const pages = rules.map(({ id, level, title, plugin, page }) =>
    plugin === undefined
      ? {
          id,
          level,
          title,
          help: page ?? readFileSync(packagePath(`src/features/verify/rules/${id}.md`), 'utf8'),
        }
      : { id, level, title, plugin },
  );
  const results = [
    ...findings,
    ...suppressed.map(({ finding, reason }) => ({ ...finding, suppressed: reason })),
    ...baselined.map((finding) => ({ ...finding, suppressed: 'It is in the baseline.' })),
  ];
  return sarifLog(version, pages, results, invocation);
}

/** The static checks as a suite: a case per rule, an error where something kept it from judging all. */
function findingsSuite(
  { findings, scope }: VerifyDocument,
  rules: readonly AnyRule[],
  blocked: VerifyResult['blocked'],
): JunitSuite {
  const cases = rules
    .filter(({ id }) => scope.families.includes(familyOf(id)) && familyOf(id) !== 'TEST')
    .map(({ id, title, plugin }): JunitCase => {
      const own = findings.filter(({ rule, level }) => rule === id && level === 'error');
      const group = familyOf(id);
      const name = plugin === undefined ? `${id} ${title}` : `${id} ${title} (${plugin})`;
      const why = blocked.get(group);
      if (own.length === 0 && why !== undefined)
        return { name, group, status: 'error', type: 'not run', text: why };
      if (own.length === 0) return { name, group, status: 'passed' };
      return {
        name,
        group,
        status: group === 'INT' ? 'error' : 'failed',
        type: id,
        text: own.map(findingText).join('\n'),
      };
    });
  return { name: 'primitive verify', cases };
}

/** For the step summary and `--report markdown=…`. */
function verifyMarkdown(document: VerifyDocument): string {
  const { findings, unchecked, suites } = document;
  const lines = [`## ${verdictText(document)}`, ''];
  if (findings.length > 0) {
    lines.push('| place | rule | finding |', '| --- | --- | --- |');
    lines.push(
      ...findings
        .slice(0, MARKDOWN_ROWS)
        .map(
          (finding) => `| ${[place(finding), finding.rule, finding.message].map(markdownText).join(' | ')} |`,
        ),
    );
    if (findings.length > MARKDOWN_ROWS) lines.push('', `and ${findings.length - MARKDOWN_ROWS} more`);
    lines.push('');
  }
  if (suites.length > 0) {
    lines.push('| suite | passed | failed | skipped |', '| --- | --- | --- | --- |');
    lines.push(
      ...suites.map(
        ({ primitive, suite, passed, failed, skipped }) =>
          `| ${markdownText(`${primitive} ${suite}`)} | ${passed} | ${failed} | ${skipped} |`,
      ),
      '',
    );
  }
  lines.push(...unchecked.map(({ what, why }) => `- not checked: ${markdownText(`${what} (${why})`)}`));
  if (document.policy.changed.length > 0) lines.push(`- ${markdownText(policyText(document))}`);
  lines.push(...document.compared.map((one) => `- ${markdownText(comparedText(one))}`));
  lines.push(`- ${markdownText(accountText(document))}`);
  return `${lines.join('\n').trimEnd()}\n`;
}

/** GitHub shows a summary of at most a megabyte. */
const MARKDOWN_ROWS = 500;

function place({ path, line }: VerifyFinding): string {
  return line === undefined ? path : `${path}:${line}`;
}

/** Findings by file, how many there are of each rule, what was not checked, and the verdict. */
function verifyText(
  document: VerifyDocument,
  rules: readonly AnyRule[],
  style: Style,
  maxFindings: number,
): string {
  const lines: string[] = [];
  let path: string | undefined;
  const { findings } = document;
  const shown = findings.slice(0, maxFindings);
  for (const [i, finding] of shown.entries()) {
    const next = shown[i + 1];
    if (finding.path !== path)
      lines.push(...(path === undefined ? [] : ['']), style.bold(sanitizeLine(finding.path)));
    path = finding.path;
    // The same advice is given once for findings in a row.
    const isRepeated = next?.path === finding.path && next.fix?.text === finding.fix?.text;
    lines.push(...findingLines(isRepeated ? { ...finding, fix: undefined } : finding, style));
  }
  if (shown.length < findings.length) {
    const more = `${findings.length - shown.length} more findings, shown by --max-findings 0`;
    lines.push(
      ...(lines.length > 0 ? [''] : []),
      style.hang('', `and ${more}, or in a file by --report json=FILE`),
    );
  }
  if (findings.length > FEW) lines.push('', ...ruleLines(findings, rules, style));
  if (document.suites.length > 0 && lines.length > 0) lines.push('');
  for (const { primitive, suite, passed, failed, skipped } of document.suites)
    lines.push(sanitizeLine(`${primitive} ${suite}: ${passed} passed, ${failed} failed, ${skipped} skipped`));
  if (lines.length > 0) lines.push('');
  for (const [why, what] of Map.groupBy(document.unchecked, (one) => one.why))
    lines.push(
      style.hang(
        '',
        style.yellow(sanitizeLine(`not checked: ${what.map((one) => one.what).join(', ')} (${why})`)),
      ),
    );
  if (document.policy.changed.length > 0) lines.push(style.hang('', style.yellow(policyText(document))));
  lines.push(...document.compared.map((one) => style.hang('', style.dim(comparedText(one)))));
  lines.push(
    style.hang('', style.dim(accountText(document))),
    style.hang('', style.bold(verdictText(document))),
  );
  return `${lines.join('\n')}\n`;
}

/** Findings that one sees at once; of more there is a summary. */
const FEW = 10;

/** A line for each rule, the one with most findings first. */
function ruleLines(findings: readonly VerifyFinding[], rules: readonly AnyRule[], style: Style): string[] {
  const byRule = [...Map.groupBy(findings, ({ rule }) => rule)].sort(
    ([a, some], [b, others]) => others.length - some.length || (a < b ? -1 : 1),
  );
  return table(
    byRule.map(([id, own]) => {
      const files = plural(new Set(own.map(({ path }) => path)).size, 'file');
      const title = rules.find((rule) => rule.id === id)?.title ?? '';
      return [String(own.length), style.bold(id), title, style.dim(`in ${files}`)];
    }),
    style,
  )
    .split('\n')
    .filter((line) => line !== '');
}

function findingLines(
  {
    rule,
    level,
    message,
    line,
    column,
    fingerprint,
    fix,
  }: Omit<VerifyFinding, 'fix'> & { fix?: VerifyFinding['fix'] | undefined },
  style: Style,
): string[] {
  const place = line === undefined ? '' : `${line}${column === undefined ? '' : `:${column}`} `;
  const paint = { error: style.red, warning: style.yellow, info: style.dim }[level];
  const head = style.hang(
    `  ${place}${paint(level)} ${rule}  `,
    `${sanitizeLine(message)} ${style.dim(`[${fingerprint}]`)}`,
  );
  if (fix === undefined) return [head];
  const [first = '', ...more] = sanitize(fix.text).split('\n');
  return [
    head,
    hangAdvice(style, style.dim('    fix: '), style.dim(first)),
    ...more.map((line) => style.dim(`    ${line}`)),
  ];
}

function verdictText({ verdict, summary, scope }: VerifyDocument): string {
  const { errors, warnings, suppressed, baselined } = summary;
  const counts = [plural(errors, 'error'), plural(warnings, 'warning')];
  if (suppressed > 0) counts.push(`${suppressed} suppressed`);
  if (baselined > 0) counts.push(`${baselined} in the baseline`);
  return `${verdict}: ${scopeText(scope)}, ${counts.join(', ')}`;
}

function scopeText({ mode, primitives, changedSince }: VerifyDocument['scope']): string {
  if (mode === 'repo') return 'the repository';
  if (changedSince === null) return plural(primitives.length, 'primitive');
  const since = sanitizeLine(`since ${changedSince}`);
  return primitives.length === 0
    ? `nothing has changed ${since}`
    : `${plural(primitives.length, 'primitive')} changed ${since}`;
}

/** Parts of the policy that the change itself has changed. */
function policyText({ policy: { from, changed }, scope }: VerifyDocument): string {
  const files = changed.join(', ');
  return sanitizeLine(
    from === null
      ? `policy changed since ${scope.changedSince}: ${files}`
      : `policy of ${from} was used; it differs here: ${files}`,
  );
}

/** The bases of comparisons of proto files, and why they are no releases. */
function comparedText({ path, files, with: base, commit, why }: VerifyDocument['compared'][number]): string {
  const reason = why === null ? '' : `; no release: ${why}`;
  const what = files === 0 ? 'is new' : `was compared, ${plural(files, 'proto file')}`;
  return sanitizeLine(`${path} ${what}: ${base}, ${commit.slice(0, 12)}${reason}`);
}

/** How many files each family judged, and what became of the rest. */
function accountText({ account }: VerifyDocument): string {
  const sum = (groups: readonly { readonly files: number }[]) =>
    groups.reduce((total, { files }) => total + files, 0);
  const families = inOrder(new Set(account.checked.flatMap((one) => one.families)));
  const byFamily = families.flatMap((family) => {
    const files = sum(account.checked.filter(({ families }) => families.includes(family)));
    return files === 0 ? [] : [`${family} ${files}`];
  });
  const checked = byFamily.length === 0 ? '' : ` (${byFamily.join(', ')})`;
  return [
    `${plural(account.files, 'file')}: ${sum(account.checked)} checked${checked}`,
    ...account.leftOut.map(({ why, files }) => `${files} left out (${why})`),
    ...account.notOurs.map(({ rule, files }) => `${files} ${NOT_OURS[rule]}`),
  ].join(', ');
}

const NOT_OURS: Readonly<Record<VerifyDocument['account']['notOurs'][number]['rule'], string>> = {
  link: 'links, checked at their targets',
  mode: 'in no primitive and no image',
  selection: 'of primitives that were not selected',
};

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
