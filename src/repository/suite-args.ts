import { type RunnerId, runnerNamed } from '../languages/all.ts';

/** Why an argument of a suite is rejected, as half a sentence; undefined if it is not. */
export function suiteArgFault(runner: RunnerId, argument: string): string | undefined {
  if (argument.startsWith('-')) {
    return runnerNamed(runner).flags.test(argument)
      ? undefined
      : `${runner} is given no ${argument.split('=', 1)[0]}; a value is written after =`;
  }
  // pytest reads more arguments from @FILE.
  const isOutside = /^[/@]|\\|^[A-Za-z]:/.test(argument) || argument.split('/').includes('..');
  return isOutside || argument === '' ? 'tests are in the folder of the primitive' : undefined;
}
