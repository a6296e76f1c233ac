import { judgeAdvisories } from '../../../kinds/advisories.ts';
import { digestsOfKind } from '../../../kinds/template.ts';
import { MANIFEST } from '../../../repository/primitive-folders.ts';
import { templateState } from '../../../repository/provenance.ts';
import type { Rule } from '../rule.ts';

/** Names of files in a message. */
const SHOWN = 3;

export const rule: Rule<'primitive'> = {
  id: 'SHAPE-007',
  level: 'info',
  title: 'Template has moved on',
  subject: 'primitive',
  check: async ({ id, path, kind, manifest }) => {
    const provenance = manifest?.provenance;
    if (kind === undefined || provenance === undefined) return [];
    const { state, behind } = templateState(provenance, await digestsOfKind(kind));
    // Of an older record the version is all there is to go by; `list` shows it as unknown.
    if (state === 'current' || (state === 'unknown' && provenance.version >= kind.version)) return [];
    // One cause is one finding.
    const advisories = await judgeAdvisories(kind, provenance);
    if (advisories.some((advisory) => advisory.state === 'affected')) return [];
    const files = `${behind.slice(0, SHOWN).join(', ')}${behind.length > SHOWN ? ' …' : ''}`;
    return [
      {
        message:
          state === 'behind'
            ? `The template of ${id} has changed in ${behind.length === 1 ? '1 file' : `${behind.length} files`}: ${files}.`
            : `${id} was scaffolded from version ${provenance.version} of its template, ${kind.version} is there.`,
        path: `${path}/${MANIFEST}`,
        key: state,
        fix: { kind: 'command', text: `primitive scaffold --kind ${id.replace('/', ' --name ')} --update` },
      },
    ];
  },
};
