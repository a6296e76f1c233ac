import type { Outcome } from '../../render/outcome.ts';
import type { Style } from '../../render/style.ts';
import { sanitize, sanitizeLine } from '../../render/text.ts';
import type { Check, DoctorReport } from './document.ts';
import type { Examination } from './examine.ts';

const MARK: Readonly<Record<Check['state'], string>> = { ok: '✓', warn: '!', fail: '✗', skipped: '-' };

/** Everything that `doctor` can be shown as. */
export function doctorOutcome({ report, exit }: Examination): Outcome {
  return { document: report, text: (style) => doctorText(report, style), exit };
}

/** A line per check, below it what is wrong and how to fix it, and a verdict. */
export function doctorText({ ok, checks }: DoctorReport, style: Style): string {
  const width = Math.max(...checks.map(({ id }) => id.length));
  const indent = ' '.repeat(width + 4);
  const lines = checks.flatMap((check) => {
    const { id, state, detail, why, fix } = check;
    const paint = { ok: style.green, warn: style.yellow, fail: style.red, skipped: style.dim }[state];
    const head = `${paint(MARK[state])} ${style.bold(id.padEnd(width))}  ${sanitizeLine(detail)}`;
    const reason = why === undefined ? [] : sanitize(why).split('\n');
    const mend = fix.map((line, index) => `${index === 0 ? 'fix: ' : '     '}${sanitizeLine(line)}`);
    return [head, ...[...reason, ...mend].map((line) => `${indent}${style.dim(line)}`)];
  });
  const verdict = ok ? 'A publish can run.' : 'A publish cannot run yet.';
  return `${[...lines, '', style.bold(verdict)].join('\n')}\n`;
}
