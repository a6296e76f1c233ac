import { string as textArg } from '@oclif/core/args';
import { boolean, custom, string } from '@oclif/core/flags';
import type { Selection } from '../repository/selection.ts';

export const baseFlags = {
  json: boolean({ summary: 'Print one JSON document on stdout, also for errors.', helpGroup: 'GLOBAL' }),
  directory: string({
    char: 'C',
    summary: 'Run in this folder.',
    helpValue: 'DIR',
    helpGroup: 'GLOBAL',
  }),
  config: string({
    summary: 'Config file. Default: the nearest primitive.config.yaml up to the git root.',
    helpValue: 'FILE',
    helpGroup: 'GLOBAL',
  }),
  'no-input': boolean({ summary: 'Never ask; fail if an answer is needed.', helpGroup: 'GLOBAL' }),
  quiet: boolean({
    char: 'q',
    summary: 'Print only the result and errors: no progress, no warnings.',
    exclusive: ['events', 'verbose'],
    helpGroup: 'GLOBAL',
  }),
};

/** Flags of commands that work on selected primitives; they go with {@link selectionArgs}. */
export const selectionFlags = {
  kind: string({ summary: 'Only primitives of this kind.', helpValue: 'KIND' }),
  name: string({ summary: 'Only primitives of this name.', helpValue: 'NAME' }),
};

/** Positional selectors. Stdin is never read for them. */
export const selectionArgs = {
  selectors: textArg({
    description: 'kind/name, a path, or . (default: all)',
    multiple: true,
    ignoreStdin: true,
  }),
};

export const effectFlags = {
  'dry-run': boolean({ default: false, summary: 'Print the plan and change nothing.' }),
};

/** Which components of a GitOps repository are meant. */
export const componentFlags = {
  component: string({
    summary: 'Only this component. Repeatable.',
    helpValue: 'NAME',
    multiple: true,
    multipleNonGreedy: true,
  }),
};

/** Which code repository of a kit is meant. */
export const sourceFlags = {
  source: string({
    summary: 'Code repository, if kit.yaml has several (default: this one).',
    helpValue: 'OWNER/NAME',
  }),
};

/** Flags of scaffold for what was scaffolded before. */
export const updateFlags = {
  update: boolean({
    summary: 'Apply changes of the template; edited files are merged.',
  }),
  all: boolean({
    summary: 'With --update: all scaffolded primitives.',
    dependsOn: ['update'],
    exclusive: ['kind', 'name', 'restore', 'gitops-pr'],
  }),
  diff: boolean({
    summary: 'With --update: show what changes in each file.',
    dependsOn: ['update'],
  }),
};

/** Flags of commands that report progress. */
export const eventFlags = {
  events: string({ summary: 'Print progress on stderr, one JSON object per line.', options: ['ndjson'] }),
  verbose: boolean({
    default: false,
    summary: 'Stream all logs, not only those of failures.',
  }),
};

/** The selection that flags and arguments come to. */
export function selectionOf(
  flags: { readonly kind: string | undefined; readonly name: string | undefined },
  args: { readonly selectors: readonly string[] | undefined },
): Selection {
  return { kind: flags.kind, name: flags.name, selectors: args.selectors ?? [] };
}

/** One `--report`, as it was given; checked by `checkReports`. */
export interface ReportRequest {
  readonly text: string;
  readonly formats: readonly string[];
}

/** `--report`, repeatable, in `json` and the other formats that a command has. */
export function reportFlags(...others: readonly string[]) {
  const formats = ['json', ...others];
  return {
    report: custom<ReportRequest>({
      summary: `Also write the result to a file. Formats: ${formats.join(', ')}. Repeatable.`,
      helpValue: 'FORMAT=FILE',
      multiple: true,
      multipleNonGreedy: true,
      // Not refused here: oclif would wrap the error in text of its own.
      parse: async (text) => ({ text, formats }),
    })(),
  };
}

/**
 * Flags of commands that start a run in the GitOps repository and follow it; `asked` are the flags that say what for, which
 * a run of before has.
 */
export const runFlags = (timeout: string, asked: readonly string[]) => ({
  wait: string({
    summary: 'Wait for nothing, the end of the run, or its pull request.',
    options: ['none', 'run', 'pr'],
    default: 'pr',
  }),
  timeout: string({ summary: 'Maximum time to wait.', helpValue: 'DURATION', default: timeout }),
  resume: string({
    summary: 'Follow an earlier run, by its id or URL.',
    helpValue: 'RUN',
    exclusive: [...asked, 'dry-run'],
  }),
  ...effectFlags,
  ...reportFlags('markdown'),
  ...eventFlags,
});
