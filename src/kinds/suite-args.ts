import type { KindFile } from './kind-document.ts';

type Runner = NonNullable<KindFile['suites']>[number]['runner'];

/**
 * Flags that choose among tests and say how they run. All others are refused, because many start a program, load a module
 * or read a config: `-exec`, `-toolexec`, `--import`, `-p`, `--config`.
 */
const FLAGS: Readonly<Record<Runner, RegExp>> = {
  'go-test':
    /^--?(?:(?:tags|run|skip|parallel|p|cpu|shuffle|covermode)=.*|(?:race|short|failfast|cover|v)(?:=(?:true|false))?)$/s,
  pytest: /^(?:-[qvx]+|-m=.*|--(?:strict-markers|strict-config|import-mode=(?:importlib|prepend|append)))$/s,
  'node-test':
    /^--(?:test-(?:name-pattern|skip-pattern|concurrency|timeout)=.*|test-only|test-force-exit|(?:experimental|no)-strip-types|experimental-transform-types)$/s,
  'go-vet': /^--?tags=.*$/s,
  // Their settings are in files of the primitive.
  tsc: /(?!)/,
  basedpyright: /(?!)/,
  ruff: /(?!)/,
  vitest:
    /^--(?:(?:project|testNamePattern|testTimeout|hookTimeout|retry|maxWorkers)=.*|passWithNoTests=false|bail=\d+)$/s,
};

/** Why an argument of a suite is refused, as half a sentence; undefined where it is not. */
export function suiteArgFault(runner: Runner, argument: string): string | undefined {
  if (argument.startsWith('-')) {
    return FLAGS[runner].test(argument)
      ? undefined
      : `${runner} is given no ${argument.split('=', 1)[0]}; a value is written after =`;
  }
  // pytest reads more arguments from @FILE.
  const isOutside = /^[/@]|\\|^[A-Za-z]:/.test(argument) || argument.split('/').includes('..');
  return isOutside || argument === '' ? 'tests are in the folder of the primitive' : undefined;
}
