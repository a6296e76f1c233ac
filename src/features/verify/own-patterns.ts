import { messageOf, PrimitiveError } from '../../core/errors.ts';
import { type OwnRule, patternOf } from '../../repository/own-rules.ts';

/**
 * Refuses patterns of the config's own rules for which the time grows faster than a line: a file of the repository says what
 * they are compared with. A search that starts again at each place of a line is bounded by the length of a line.
 *
 * Throws `config-invalid` (exit 2).
 */
export async function checkOwnPatterns(rules: readonly OwnRule[]): Promise<void> {
  const patterns = rules.flatMap((rule) => {
    const source = patternOf(rule);
    return source === undefined ? [] : [{ id: rule.id, source, group: rule.secretFormat?.group ?? 0 }];
  });
  if (patterns.length === 0) return;
  const { analyse } = await import('scslre');
  for (const { id, source, group } of patterns) {
    const fault =
      faultOf(source, (text) => analyse({ source: text, flags: 'u' }).reports) ?? groupFault(source, group);
    if (fault === undefined) continue;
    throw new PrimitiveError(
      'config-invalid',
      `Cannot use the pattern of ${id} in \`verify.rules\`: ${JSON.stringify(source)}.`,
      { why: fault, suggestions: ['Write it without a repetition in a repetition, such as (a+)+ or a*a*.'] },
    );
  }
}

function faultOf(
  source: string,
  reports: (source: string) => readonly { readonly type: string }[],
): string | undefined {
  try {
    return reports(source).some(({ type }) => type !== 'Move')
      ? 'the time that it takes grows faster than the line'
      : undefined;
  } catch (cause) {
    return messageOf(cause);
  }
}

function groupFault(source: string, group: number): string | undefined {
  const groups = (new RegExp(`${source}|`, 'u').exec('')?.length ?? 1) - 1;
  return group > groups ? `it has no group ${group}` : undefined;
}
