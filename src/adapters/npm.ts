import { PrimitiveError } from '../core/errors.ts';
import type { Processes } from '../core/process.ts';
import type { NpmPort } from '../toolchain/cli-package.ts';
import { withoutCheckoutSettings } from './npm-environment.ts';

/** Milliseconds; a user waits. */
const TIMEOUT = 30_000;

/**
 * npm, which finds its settings in `folder` besides those of the user: never a checkout, whose `.npmrc` may name any
 * registry.
 */
export function openNpm(
  processes: Processes,
  folder: string,
  variables: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): NpmPort {
  const env = withoutCheckoutSettings(variables);
  const ask = async (...args: readonly string[]): Promise<string | undefined> => {
    try {
      const { exitCode, stdout } = await processes.run('npm', [...args, '--prefix', folder], {
        cwd: folder,
        env,
        timeout: TIMEOUT,
        signal,
      });
      const text = Buffer.from(stdout).toString().trim();
      return exitCode === 0 && text !== '' && text !== 'undefined' ? text : undefined;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof PrimitiveError) return undefined;
      throw error;
    }
  };
  return {
    registry: async (name) =>
      (await ask('config', 'get', `${name.split('/')[0]}:registry`)) ?? ask('config', 'get', 'registry'),
    integrity: (name, version) => ask('view', `${name}@${version}`, 'dist.integrity', '--fetch-retries', '0'),
  };
}
