import type { TestedPrimitive } from '../ports.ts';
import type { Ran } from '../runner.ts';

/** A runner that is not in the environment. */
export function notInstalled(
  { path, files }: TestedPrimitive,
  name: string,
): Extract<Ran, { readonly cause: unknown }> {
  return {
    cause: 'tool-failed',
    why: `${name} is not among its dependencies`,
    fix: files.includes('uv.lock')
      ? { kind: 'command', text: `cd ${path} && uv add --dev ${name}` }
      : { kind: 'text', text: `Add ${name} to the lock file that tests are installed from.` },
  };
}
