import { hangAdvice } from '../../render/advice.ts';
import type { Outcome } from '../../render/outcome.ts';
import type { Style } from '../../render/style.ts';
import { sanitize, sanitizeLine } from '../../render/text.ts';
import type { Check, DoctorReport } from './document.ts';
import type { Examination } from './examine.ts';

const MARK: Readonly<Record<Check['state'], string>> = {
  ok: '✓',
  warn: '!',
  fail: '✗',
  unknown: '?',
  skipped: '-',
};

/** Everything that `doctor` can be shown as. */
export function doctorOutcome({ report, exit }: Examination): Outcome {
  return { document: report, text: (style) => doctorText(report, style), exit };
}

/** A line per check, below it what is wrong and how to fix it, and a verdict. */
export function doctorText(report: DoctorReport, style: Style): string {
  const { checks } = report;
  const width = Math.max(...checks.map(({ id }) => id.length));
  const indent = ' '.repeat(width + 4);
  const lines = checks.flatMap((check) => {
    const { id, state, detail, why, fix } = check;
    const paint = {
      ok: style.green,
      warn: style.yellow,
      fail: style.red,
      unknown: style.yellow,
      skipped: style.dim,
    }[state];
    const head = style.hang(`${paint(MARK[state])} ${style.bold(id.padEnd(width))}  `, sanitizeLine(detail));
    const reason = why === undefined ? [] : sanitize(why).split('\n');
    return [
      head,
      ...reason.map((line) => style.hang(indent, style.dim(line))),
      ...fix.map((line, index) =>
        hangAdvice(
          style,
          `${indent}${style.dim(index === 0 ? 'fix:' : '    ')} `,
          style.dim(sanitizeLine(line)),
        ),
      ),
    ];
  });
  const after = [style.bold(verdict(report)), ...notChecked(report)].map((line) => style.hang('', line));
  return `${[...lines, '', ...after].join('\n')}\n`;
}

function verdict({ ok, checks }: DoctorReport): string {
  if (checks.some(({ id }) => id === 'setup')) {
    if (ok) return 'This GitOps repository is set up.';
    if (checks.some(({ state, code }) => state === 'fail' && code !== 'gitops-setup-unknown'))
      return 'This GitOps repository is not set up yet.';
    return 'Cannot determine whether this GitOps repository is set up.';
  }
  if (ok) return `A publish can run: ${checks.length} checks passed or warned.`;
  if (checks.some(({ state }) => state === 'fail')) return 'A publish cannot run yet.';
  return 'Cannot determine whether a publish can run.';
}

/** Checks that the verdict does not include. */
function notChecked({ checks, notCovered }: DoctorReport): string[] {
  const open = checks.filter(({ state }) => state === 'unknown' || state === 'skipped').map(({ id }) => id);
  return [
    ...(open.length === 0 ? [] : [`Not checked: ${open.join(', ')}.`]),
    `Not covered by doctor: ${notCovered.join('; ')}.`,
  ];
}
