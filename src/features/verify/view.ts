import type { ExitCode } from '../../core/errors.ts';
import type { Outcome } from '../../render/outcome.ts';
import type { Style } from '../../render/style.ts';
import { sanitize, sanitizeLine } from '../../render/text.ts';
import type { VerifyDocument, VerifyFinding } from './document.ts';

const EXIT: Readonly<Record<VerifyDocument['verdict'], ExitCode>> = {
  passed: 0,
  partial: 0,
  failed: 1,
  incomplete: 3,
};

/** Everything that `verify` can be shown as. */
export function verifyOutcome(document: VerifyDocument): Outcome {
  return {
    document,
    text: (style) => verifyText(document, style),
    exit: EXIT[document.verdict],
  };
}

/** Findings by file, what was not checked, and the verdict. */
export function verifyText(document: VerifyDocument, style: Style): string {
  const lines: string[] = [];
  let path: string | undefined;
  for (const finding of document.findings) {
    if (finding.path !== path)
      lines.push(...(path === undefined ? [] : ['']), style.bold(sanitizeLine(finding.path)));
    path = finding.path;
    lines.push(...findingLines(finding, style));
  }
  if (lines.length > 0) lines.push('');
  for (const { what, why } of document.unchecked) lines.push(style.yellow(`not checked: ${what} (${why})`));
  lines.push(style.bold(verdictText(document)));
  return `${lines.join('\n')}\n`;
}

function findingLines({ rule, level, message, line, column, fix }: VerifyFinding, style: Style): string[] {
  const place = line === undefined ? '' : `${line}${column === undefined ? '' : `:${column}`} `;
  const paint = { error: style.red, warning: style.yellow, info: style.dim }[level];
  const head = `  ${place}${paint(level)} ${rule}  ${sanitizeLine(message)}`;
  if (fix === undefined) return [head];
  const [first = '', ...more] = sanitize(fix.text).split('\n');
  return [head, ...[`fix: ${first}`, ...more].map((text) => style.dim(`    ${text}`))];
}

function verdictText({ verdict, summary, scope }: VerifyDocument): string {
  const { errors, warnings, suppressed } = summary;
  const counts = [plural(errors, 'error'), plural(warnings, 'warning')];
  if (suppressed > 0) counts.push(`${suppressed} suppressed`);
  const what = scope.mode === 'repo' ? 'the repository' : plural(scope.primitives.length, 'primitive');
  return `${verdict}: ${what}, ${counts.join(', ')}`;
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
