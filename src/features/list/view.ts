import { advisoryText } from '../../kinds/advisory-report.ts';
import type { Outcome } from '../../render/outcome.ts';
import type { Style } from '../../render/style.ts';
import { table } from '../../render/table.ts';
import { sanitizeLine } from '../../render/text.ts';
import type { ListDocument, ListEntry, PrimitiveState } from './document.ts';

/** Everything that `list` can be shown as. */
export function listOutcome(document: ListDocument): Outcome {
  return { document, text: (style) => listText(document, style), exit: 0 };
}

/** A line per primitive: what it is, its language and template, its input digest or state, its image; then the problems. */
export function listText({ primitives }: ListDocument, style: Style): string {
  if (primitives.length === 0) {
    return 'No primitives yet. To create one: primitive scaffold --kind domain --name orders\n';
  }
  const rows = primitives.map(({ kind, name, image, inputDigest, language, template, state }) => [
    sanitizeLine(`${kind}/${name}`),
    language ?? '-',
    templateText(template, style),
    inputDigest === null ? stateText(state, style) : style.dim(inputDigest.slice(0, 12)),
    image ?? '-',
  ]);
  const titles = ['PRIMITIVE', 'LANGUAGE', 'TEMPLATE', 'INPUTS', 'IMAGE'];
  const problems = primitives.flatMap(({ problem }) =>
    problem === null ? [] : [`${style.hang('', sanitizeLine(problem))}\n`],
  );
  const advisories = primitives.flatMap(({ kind, name, advisories: found }) =>
    found.map((one) => {
      const id = sanitizeLine(`${kind}/${name}`);
      const text = `${id}: ${sanitizeLine(advisoryText(one))} primitive scaffold --kind ${id.replace('/', ' --name ')} --update`;
      return `${style.hang('', one.state === 'affected' ? style.red(text) : style.yellow(text))}\n`;
    }),
  );
  return [
    table([titles.map((title) => style.bold(title)), ...rows], style),
    ...(problems.length > 0 ? ['\n', ...problems] : []),
    ...(advisories.length > 0 ? ['\n', ...advisories] : []),
  ].join('');
}

function stateText(state: PrimitiveState, style: Style): string {
  return state === 'invalid' ? style.red(state) : style.yellow(state);
}

function templateText(template: ListEntry['template'], style: Style): string {
  if (template === null) return '-';
  const { version, latest, state, behind } = template;
  if (state === 'current') return `${version}`;
  if (latest > version) return style.yellow(`${version}, now ${latest}`);
  return style.yellow(state === 'unknown' ? `${version}, unknown` : `${version}, behind in ${behind.length}`);
}
