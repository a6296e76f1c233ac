import { findingText } from '../../core/finding.ts';
import type { Outcome } from '../../render/outcome.ts';
import type { Style } from '../../render/style.ts';
import { sanitizeLine } from '../../render/text.ts';
import type { GitopsCheckDocument } from './document.ts';

/** Everything that `gitops check` can be shown as. Exit code 1 for findings. */
export function gitopsCheckOutcome(document: GitopsCheckDocument): Outcome {
  return {
    document,
    text: (style) => checkText(document, style),
    exit: document.verdict === 'failed' ? 1 : 0,
    github: { findings: document.findings.map((finding) => ({ ...finding, level: 'error' })) },
  };
}

function checkText(
  { verdict, base, account, unchecked, findings }: GitopsCheckDocument,
  style: Style,
): string {
  const { files, references, judged, unchanged, empty } = account;
  const paint = verdict === 'failed' ? style.red : verdict === 'partial' ? style.yellow : style.green;
  const since = base === null ? '' : ` since ${base.slice(0, 12)}`;
  return [
    ...findings.map((finding) => `${style.red(finding.rule)} ${sanitizeLine(findingText(finding))}\n`),
    ...(findings.length > 0 ? ['\n'] : []),
    ...unchecked.map(
      ({ path, reason }) => `${style.hang('not checked  ', sanitizeLine(`${path}: ${reason}`))}\n`,
    ),
    `${paint(verdict)}: ${references} image references in ${files} files${since}: ${judged} judged, ${unchanged} unchanged, ${empty} empty\n`,
  ].join('');
}
