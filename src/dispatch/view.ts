import type { ExitCode } from '../core/errors.ts';
import { hangAdvice } from '../render/advice.ts';
import type { Outcome } from '../render/outcome.ts';
import type { Style } from '../render/style.ts';
import { table } from '../render/table.ts';
import { markdownText, sanitize, sanitizeLine } from '../render/text.ts';
import type { GitopsRunDocument } from './document.ts';
import { inputsText } from './report.ts';

/** How a request is shown. Exit 1 if it failed, 3 if it is not finished. */
export function gitopsRunOutcome(document: GitopsRunDocument): Outcome {
  const exits: Partial<Record<GitopsRunDocument['result'], ExitCode>> = { failed: 1, unfinished: 3 };
  const { run, pull, problem } = document;
  return {
    document,
    text: (style) => gitopsRunText(document, style),
    exit: exits[document.result] ?? 0,
    reports: { markdown: () => gitopsRunMarkdown(document) },
    github: {
      findings: problem ? [{ rule: problem.code, level: 'error', message: problem.message }] : [],
      outputs: { run: run ? `${run.id}` : '', pull: pull?.url ?? '' },
      summary: () => gitopsRunMarkdown(document),
    },
  };
}

/** The run with its steps, the pull request with its files, what is wrong, and what to do next. */
function gitopsRunText(document: GitopsRunDocument, style: Style): string {
  const { request, run, pull, problem, unchecked, next, result } = document;
  const facts = [
    ['request', request.id ?? '(not sent)'],
    ['workflow', `${request.workflow} in ${request.repository} at ${request.ref}`],
    ['inputs', inputsText(request)],
    ...(run ? [['run', `${run.id} ${run.conclusion ?? run.status}  ${run.url}`]] : []),
    ...(pull ? [['pull request', `#${pull.number} ${pull.state}  ${pull.url}`]] : []),
  ].map((row) => row.map(sanitizeLine));
  const steps = (run?.jobs ?? []).flatMap(({ name, steps: all }) =>
    all.map((step) => [
      mark(step.conclusion, style),
      step.conclusion ?? step.status,
      sanitizeLine(`${name} / ${step.name}`),
    ]),
  );
  const files = (pull?.files ?? []).map(({ path, status, additions, deletions }) => [
    status,
    style.dim(`+${additions} -${deletions}`),
    sanitizeLine(path),
  ]);
  return [
    `${style.bold(headline(document))}\n`,
    table(facts, style),
    ...[steps, files].filter((rows) => rows.length > 0).map((rows) => table(rows, style)),
    ...(problem ? [problemText(problem, style)] : []),
    ...(unchecked ? [uncheckedText(unchecked, style)] : []),
    ...(next.length > 0 ? [`Next:\n${next.map((line) => `  ${sanitizeLine(line)}\n`).join('')}`] : []),
    ...(result === 'planned' ? ['Nothing was sent.\n'] : []),
  ].join('\n');
}

function uncheckedText({ why, facts }: NonNullable<GitopsRunDocument['unchecked']>, { hang }: Style): string {
  const lines = facts.map((fact) => `${hang('  ', fact)}\n`).join('');
  return `${hang('', `Not looked up: ${sanitizeLine(why)}`)}\n${lines}`;
}

/** One sentence: what it came to. */
function headline({ result, request, run, pull }: GitopsRunDocument): string {
  const what = `${request.workflow} for ${request.branch}`;
  switch (result) {
    case 'planned':
      return `Would start ${what}`;
    case 'exists':
      return pull
        ? `Pull request #${pull.number} is open`
        : `Nothing to change for ${request.branch}: it is there already`;
    case 'dispatched':
      return `Run ${run?.id} was started`;
    case 'passed':
      return `Run ${run?.id} succeeded`;
    case 'proposed':
      return `Pull request #${pull?.number} is open`;
    case 'merged':
      return `Pull request #${pull?.number} was merged`;
    case 'failed':
      return `${what} failed`;
    case 'unfinished':
      return `Run ${run?.id} is not completed`;
  }
}

function problemText(
  { code, message, why, suggestions }: NonNullable<GitopsRunDocument['problem']>,
  style: Style,
): string {
  const lines = [
    style.hang(`${style.red('✗')} `, `${sanitizeLine(message)} ${style.dim(`[${code}]`)}`),
    ...(why === null
      ? []
      : sanitize(why)
          .split('\n')
          .map((line) => style.hang(`  ${style.dim('│')} `, line))),
    ...suggestions.map((line) => hangAdvice(style, `  ${style.dim('try:')} `, sanitizeLine(line))),
  ];
  return `${lines.join('\n')}\n`;
}

function mark(conclusion: string | null, style: Style): string {
  if (conclusion === 'success') return style.green('✓');
  if (conclusion === null || conclusion === 'skipped' || conclusion === 'neutral') return style.dim('·');
  return style.red('✗');
}

/** The same as GitHub Markdown, for the step summary and `--report markdown`. */
function gitopsRunMarkdown(document: GitopsRunDocument): string {
  const { run, pull, problem } = document;
  const steps = (run?.jobs ?? []).flatMap(({ name, steps: all }) =>
    all.map((step) => `| ${markdownText(`${name} / ${step.name}`)} | ${step.conclusion ?? step.status} |`),
  );
  const files = (pull?.files ?? []).map(
    ({ path, status }) => `- ${status} \`${sanitizeLine(path).replaceAll('`', '')}\``,
  );
  return [
    `### ${markdownText(headline(document))}`,
    '',
    ...(run ? [`Run [${run.id}](${run.url}): ${run.conclusion ?? run.status}`, ''] : []),
    ...(pull ? [`Pull request [#${pull.number}](${pull.url}): ${pull.state}`, ''] : []),
    ...(problem ? [markdownText(problem.message), ''] : []),
    ...(steps.length > 0 ? ['| step | outcome |', '| --- | --- |', ...steps, ''] : []),
    ...files,
  ].join('\n');
}
