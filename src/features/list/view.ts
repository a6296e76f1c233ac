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
  return [
    table([titles.map((title) => style.bold(title)), ...rows], style),
    ...(problems.length > 0 ? ['\n', ...problems] : []),
  ].join('');
}

function stateText(state: PrimitiveState, style: Style): string {
  return state === 'invalid' ? style.red(state) : style.yellow(state);
}

function templateText(template: ListEntry['template'], style: Style): string {
  if (template === null) return '-';
  const { version, latest } = template;
  return latest > version ? style.yellow(`${version}, now ${latest}`) : `${version}`;
}
