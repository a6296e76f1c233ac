import type { Style } from '../../render/style.ts';

/** `primitive.init/v1`: what `init` writes. */
export interface InitDocument {
  readonly schema: 'primitive.init/v1';
  /** Relative to the root of the repository. */
  readonly files: readonly { readonly path: string; readonly text: string }[];
  /** What the config was written from, by flags or by what the repository says; absent where it was there before. */
  readonly answers?: { readonly repository: string; readonly registry: string; readonly branch: string };
  /** Commands to run next. */
  readonly next: readonly string[];
  /** False for a dry run. */
  readonly written: boolean;
}

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
