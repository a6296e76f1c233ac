import type { Outcome } from '../../render/outcome.ts';
import type { Style } from '../../render/style.ts';
import type { InitDocument } from './document.ts';

/** Everything that `init` can be shown as. */
export function initOutcome(document: InitDocument): Outcome {
  return { document, text: (style) => initText(document, style), exit: 0 };
}

/** The names of the files, or all of them if nothing was written; what to run next. */
function initText({ files, answers, next, written }: InitDocument, style: Style): string {
  const shown = files.map(({ path, text }) =>
    written ? `${style.green('created')}  ${path}\n` : `${style.bold(`# ${path}`)}\n${text}\n`,
  );
  const after = written ? ['', 'Next:', ...next.map((command) => `  ${command}`)] : ['Nothing was written.'];
  const from = answers && [
    '',
    `Registry ${answers.registry}; releases from branch ${answers.branch} of ${answers.repository}.`,
    style.dim(
      'To change this, edit the file, or delete it and run: primitive init --repository … --registry … --branch …',
    ),
  ];
  return `${[...shown, ...(from ?? []).map((line) => `${style.hang('', line)}\n`)].join('')}${after.join('\n')}\n`;
}
