import type { Style } from '../../render/style.ts';
import type { InitDocument } from './document.ts';

/** The files whole where nothing was written, else their names; what to run next. */
export function initText({ files, answers, next, written }: InitDocument, style: Style): string {
  const shown = files.map(({ path, text }) =>
    written ? `${style.green('created')}  ${path}\n` : `${style.bold(`# ${path}`)}\n${text}\n`,
  );
  const after = written ? ['', 'Next:', ...next.map((command) => `  ${command}`)] : ['Nothing was written.'];
  const from = answers && [
    '',
    `Images go to ${answers.registry}; releases are those of the branch ${answers.branch} of ${answers.repository}.`,
    style.dim('Not so? Edit the file, or delete it: primitive init --repository … --registry … --branch …'),
  ];
  return `${[...shown, ...(from ?? []).map((line) => `${line}\n`)].join('')}${after.join('\n')}\n`;
}
