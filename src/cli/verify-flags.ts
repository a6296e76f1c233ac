import { boolean, string } from '@oclif/core/flags';
import type { Selection } from '../repository/selection.ts';

/** The flags of `verify` besides those of every command that selects and reports. */
export const verifyFlags = {
  'changed-since': string({
    summary: 'Only primitives with a change since this revision parted from HEAD.',
    helpValue: 'REV',
  }),
  mode: string({
    summary: 'Check the files of primitives, or every file of the repository.',
    options: ['primitives', 'repo'],
    default: 'primitives',
  }),
  tests: boolean({ summary: 'Run the test suites.', default: true, allowNo: true }),
  install: boolean({
    summary: 'First install what the lock files of the primitives name, without scripts of packages.',
  }),
  'install-scripts': boolean({
    summary: 'Let packages run their scripts when they are installed.',
    dependsOn: ['install'],
  }),
};

interface Flags {
  readonly 'changed-since': string | undefined;
  readonly mode: string;
  readonly tests: boolean;
  readonly install: boolean;
  readonly 'install-scripts': boolean;
}

/** What these flags ask for. */
export function requestOf(selection: Selection, flags: Flags) {
  const { mode, tests, install } = flags;
  return {
    selection,
    changedSince: flags['changed-since'],
    mode: mode as 'primitives' | 'repo',
    tests,
    install: install && { scripts: flags['install-scripts'] },
  };
}
