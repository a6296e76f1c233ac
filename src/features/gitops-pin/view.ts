import type { Outcome } from '../../render/outcome.ts';
import type { Style } from '../../render/style.ts';
import { table } from '../../render/table.ts';
import { markdownText, sanitizeLine } from '../../render/text.ts';
import type { GitopsPinDocument } from './document.ts';

/** Everything that `gitops pin` and `gitops promote` can be shown as. */
export function gitopsPinOutcome(document: GitopsPinDocument): Outcome {
  const changed = document.edits.filter(({ action }) => action !== 'unchanged');
  return {
    document,
    text: (style) => pinText(document, style),
    exit: 0,
    reports: { markdown: () => pinMarkdown(document) },
    github: {
      outputs: {
        changed: String(changed.length > 0),
        files: [...new Set(changed.map(({ file }) => file))].join('\n'),
      },
    },
  };
}

function pinText(
  { lane, origin, edits, skipped, unwired, written }: GitopsPinDocument,
  style: Style,
): string {
  const from = { release: 'release', lane: 'lane', rollback: 'what it held at' }[origin.type];
  const changed = edits.filter(({ action }) => action !== 'unchanged');
  const rows = edits.map(({ action, component, path, before, after }) => [
    action,
    style.bold(component),
    path,
    action === 'unchanged' ? shortRef(after) : `${shortRef(before)} -> ${shortRef(after)}`,
  ]);
  const left = [
    ...skipped.map(({ component, reason }) => `${component}: ${sanitizeLine(reason)}`),
    ...unwired.map((name) => `${sanitizeLine(name)}: no component here has its image`),
  ];
  return [
    `${lane} from ${from} ${sanitizeLine(origin.name)}\n`,
    ...(origin.signer === null ? [] : [`signed by ${sanitizeLine(origin.signer)}\n`]),
    ...(rows.length > 0 ? ['\n', table(rows, style)] : []),
    ...(left.length > 0 ? ['\nLeft alone:\n', ...left.map((line) => `  ${line}\n`)] : []),
    '\n',
    ending(written, changed.length, lane),
  ].join('');
}

function ending(written: boolean, changes: number, lane: string): string {
  if (written) return `Wrote ${changes} ${changes === 1 ? 'reference' : 'references'} of ${lane}.\n`;
  if (changes === 0) return 'Nothing changes.\n';
  return 'Nothing was written: --write writes it.\n';
}

/** The description of a pull request. */
function pinMarkdown({ origin, edits, skipped, unwired }: GitopsPinDocument): string {
  const rows = edits
    .filter(({ action }) => action !== 'unchanged')
    .map(({ component, before, after }) => `| ${component} | ${code(before)} | ${code(after)} |\n`);
  const left = [
    ...skipped.map(({ component, reason }) => `- ${component}: ${markdownText(reason)}\n`),
    ...unwired.map((name) => `- ${markdownText(name)}: no component here has its image\n`),
  ];
  const source = origin.source === null ? '' : ` of ${markdownText(origin.source)}`;
  const signed =
    origin.signer === null
      ? ''
      : `\nRecord ${code(origin.record)}, signed by ${markdownText(origin.signer)}.\n`;
  return [
    `From ${origin.type} ${code(origin.name)}${source}.\n${signed}\n`,
    '| component | before | after |\n| --- | --- | --- |\n',
    ...rows,
    ...(left.length > 0 ? ['\nLeft alone:\n\n', ...left] : []),
  ].join('');
}

function code(text: string | null): string {
  return text === null ? '(none)' : `\`${sanitizeLine(text).replaceAll('`', '')}\``;
}

/** Tag and digest, short; the whole reference is in the document. */
function shortRef(ref: string | null): string {
  if (ref === null) return '(none)';
  const [, tag = '', digest = ''] = /:([^:@/]+)@sha256:([0-9a-f]{12})/.exec(ref) ?? [];
  return digest === '' ? sanitizeLine(ref) : `${sanitizeLine(tag).slice(0, 12)}@${digest}`;
}
