import { boolean, integer, string } from '@oclif/core/flags';
import type { Selection } from '../repository/selection.ts';

/** The flags of `verify` besides those of every command that selects and reports. */
export const verifyFlags = {
  'changed-since': string({
    summary: 'Only primitives that changed since the merge base with this revision.',
    helpValue: 'REV',
  }),
  mode: string({
    summary: 'Check the files of primitives, or every file of the repository.',
    options: ['primitives', 'repo'],
    default: 'primitives',
  }),
  only: string({
    summary: 'Only rules of these families, such as SEC or SHAPE,IMP. Repeatable.',
    helpValue: 'FAMILY,…',
    multiple: true,
    multipleNonGreedy: true,
  }),
  'policy-from': string({
    summary: 'Take config, kinds, suppressions and baseline from this revision.',
    helpValue: 'REV',
    exclusive: ['update-baseline'],
  }),
  baseline: string({
    summary: 'Findings in this file were there before and do not count.',
    helpValue: 'FILE',
  }),
  'update-baseline': boolean({
    summary: 'Remove entries from the baseline that cover no finding.',
    dependsOn: ['baseline'],
  }),
  accept: boolean({
    summary: 'Add the findings of this run to the baseline.',
    dependsOn: ['update-baseline'],
  }),
  'max-findings': integer({
    summary: 'Show at most this many findings as text; 0 for all.',
    helpValue: 'N',
    min: 0,
    default: 200,
  }),
  staged: boolean({
    summary: 'Check what a commit would have: files of the index, without suites and generators.',
    exclusive: ['install'],
  }),
  tests: boolean({ summary: 'Run the test suites.', default: true, allowNo: true }),
  install: boolean({
    summary: 'Install dependencies from the lock files first, without running scripts of packages.',
  }),
  'install-scripts': boolean({
    summary: 'With --install: allow packages to run their install scripts.',
    dependsOn: ['install'],
  }),
};

interface Flags {
  readonly 'changed-since': string | undefined;
  readonly mode: string;
  readonly tests: boolean;
  readonly staged: boolean;
  readonly install: boolean;
  readonly 'install-scripts': boolean;
  readonly baseline: string | undefined;
  readonly 'update-baseline': boolean;
  readonly accept: boolean;
}

export function requestOf(selection: Selection, flags: Flags) {
  const { mode, staged, install, baseline, accept } = flags;
  return {
    selection,
    changedSince: flags['changed-since'],
    mode: mode as 'primitives' | 'repo',
    staged,
    tests: flags.tests && !staged,
    baseline: baseline === undefined ? undefined : { update: flags['update-baseline'], accept },
    // A flag that is not given is undefined, whatever its type says.
    install: install ? { scripts: flags['install-scripts'] } : (false as const),
  };
}
