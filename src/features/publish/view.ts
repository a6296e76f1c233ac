import type { ExitCode } from '../../core/errors.ts';
import { hangAdvice } from '../../render/advice.ts';
import type { Outcome } from '../../render/outcome.ts';
import type { Style } from '../../render/style.ts';
import { table } from '../../render/table.ts';
import { countWords, markdownText, sanitize, sanitizeLine } from '../../render/text.ts';
import type { PublishedComponent, PublishPlan, PublishReport } from './document.ts';
import type { PublishResult } from './run.ts';

/**
 * How a publish, or the plan of a dry run, is shown. Exit code 1 if a component failed, 70 if one did by a bug of
 * ours.
 */
export function publishOutcome({ plan, report }: PublishResult): Outcome {
  const markdown = () => (report ? publishMarkdown(report) : planMarkdown(plan));
  return {
    document: report ?? plan,
    text: (style) => (report ? publishText(report, style) : planText(plan, style)),
    exit: report ? exitOf(report) : 0,
    reports: { markdown },
    github: { outputs: report ? publishOutputs(report) : planOutputs(plan), summary: markdown },
  };
}

function exitOf({ components }: PublishReport): ExitCode {
  if (components.some(({ error }) => error?.code === 'internal-error')) return 70;
  return components.some(({ action }) => action === 'failed') ? 1 : 0;
}

/** A finished publish for people: a line per component, what failed and why, then record and channel. */
export function publishText(report: PublishReport, style: Style): string {
  const { commit, tier, components, release, channel, run } = report;
  const rows = components.map(({ kind, name, action, digest, reason }) => [
    paintAction(action, style),
    `${kind}/${name}`,
    action,
    shortDigest(digest),
    // Failures are listed once, below.
    action === 'failed' ? '' : style.dim(sanitizeLine(reason)),
  ]);
  const failures = components.flatMap((component) =>
    component.error ? [failureText(component, style)] : [],
  );
  const facts = [
    [
      'release',
      release ? `${release.ref}${release.written ? '' : ' (written before)'}` : 'no record is written',
    ],
    ['channel', `${channel.tag} ${channel.moved ? 'moved' : 'stays'}: ${sanitizeLine(channel.reason)}`],
    ['run', runText(run)],
    ['phases', run.phases.map(({ phase, duration }) => `${phase} ${seconds(duration)}`).join(', ')],
  ];
  const refs = components.flatMap(({ ref }) => (ref === undefined ? [] : [`${ref}\n`]));
  return [
    `${style.bold(commit.slice(0, 12))} by ${article(tier)} run: ${countWords(components.map(({ action }) => action))}\n`,
    table(rows, style),
    ...failures,
    ...(refs.length > 0 ? [refs.join('')] : []),
    table(facts, style),
  ].join('\n');
}

/** The plan for people, for `--dry-run`. */
export function planText(plan: PublishPlan, style: Style): string {
  const { commit, run, components, record, channel } = plan;
  const rows = components.map(({ kind, name, action, reason }) => [
    `${kind}/${name}`,
    action === 'conflict' ? style.red(action) : action,
    style.dim(sanitizeLine(reason)),
  ]);
  const facts = [
    [
      'record',
      record.action,
      `${record.repository}:${record.tag} ${style.dim(`(${sanitizeLine(record.reason)})`)}`,
    ],
    ['channel', channel.action, `${channel.tag} ${style.dim(`(${sanitizeLine(channel.reason)})`)}`],
  ];
  return [
    `Plan for ${style.bold(commit.slice(0, 12))} by ${article(run.tier)} run: ${countWords(components.map(({ action }) => action))}\n`,
    table(rows, style),
    table(facts, style),
    'Nothing was changed.\n',
  ].join('\n');
}

const HEADINGS: Readonly<Record<PublishReport['verdict'], string>> = {
  published: 'Published',
  sealed: 'Sealed, not tagged:',
  tagged: 'Tagged without a release record:',
  failed: 'Publish failed:',
};

/** A finished publish as GitHub Markdown, for the step summary and `--report markdown`. */
export function publishMarkdown(report: PublishReport): string {
  const rows = report.components.map(({ kind, name, action, ref, digest, reason }) =>
    markdownRow([`${kind}/${name}`, action, code(ref ?? digest ?? ''), reason]),
  );
  return [
    `### ${HEADINGS[report.verdict]} ${code(report.commit.slice(0, 12))} (${report.tier})`,
    '',
    markdownRow(['component', 'action', 'reference', 'reason']),
    '| --- | --- | --- | --- |',
    ...rows,
    '',
    `Release record: ${report.release ? code(report.release.ref) : 'none'}  `,
    `Channel ${code(report.channel.tag)}: ${markdownText(report.channel.reason)}`,
  ].join('\n');
}

/** A plan as GitHub Markdown, for the step summary of a dry run. */
export function planMarkdown(plan: PublishPlan): string {
  const rows = plan.components.map(({ kind, name, action, reason }) =>
    markdownRow([`${kind}/${name}`, action, reason]),
  );
  return [
    `### Plan for ${code(plan.commit.slice(0, 12))} (${plan.run.tier})`,
    '',
    markdownRow(['component', 'action', 'reason']),
    '| --- | --- | --- |',
    ...rows,
  ].join('\n');
}

/** Step outputs of a publish: `refs`, a JSON object from component to reference, and `release`. */
export function publishOutputs({ components, release }: PublishReport): Readonly<Record<string, string>> {
  const refs = components.flatMap(({ kind, name, ref }) =>
    ref === undefined ? [] : [[`${kind}/${name}`, ref] as const],
  );
  return { refs: JSON.stringify(Object.fromEntries(refs)), release: release?.ref ?? '' };
}

/** Step outputs of a dry run: `matrix`, for a job per component that is to be built. */
export function planOutputs({ components }: PublishPlan): Readonly<Record<string, string>> {
  const include = components
    .filter(({ action }) => action === 'build')
    .map(({ kind, name }) => ({ component: `${kind}/${name}`, kind, name }));
  return { matrix: JSON.stringify({ include }) };
}

/** The error of a component; the log of its build was shown when it failed. */
function failureText({ kind, name, error }: PublishedComponent, style: Style): string {
  if (error === undefined) return '';
  const { code: id, message, why, suggestions } = error;
  const lines = [
    style.hang(
      `${style.red('✗')} `,
      `${style.bold(`${kind}/${name}`)}: ${sanitizeLine(message)} ${style.dim(`[${id}]`)}`,
    ),
    ...(why === undefined ? [] : sanitize(why).split('\n')).map((line) => style.hang('    ', line)),
    ...suggestions.map((line) => hangAdvice(style, `    ${style.dim('try:')} `, sanitizeLine(line))),
  ];
  return `${lines.join('\n')}\n`;
}

function runText({ duration, requests, builder }: PublishReport['run']): string {
  return `${seconds(duration)}, ${requests} registry requests${builder === undefined ? '' : `, ${sanitizeLine(builder)}`}`;
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)}s`;
}

function paintAction(action: PublishedComponent['action'], style: Style): string {
  if (action === 'failed') return style.red('✗');
  return action === 'already-published' ? style.dim('·') : style.green('✓');
}

function shortDigest(digest: string | undefined): string {
  return digest === undefined ? '' : digest.slice(0, 'sha256:'.length + 12);
}

function article(tier: string): string {
  return tier === 'accepted' ? 'an accepted' : `a ${tier}`;
}

function markdownRow(cells: readonly string[]): string {
  return `| ${cells.map((cell) => (cell.startsWith('`') ? cell : markdownText(cell))).join(' | ')} |`;
}

/** A code span, for references and commits. */
function code(text: string): string {
  return text === '' ? '' : `\`${sanitizeLine(text).replaceAll('`', '').replaceAll('|', '')}\``;
}
