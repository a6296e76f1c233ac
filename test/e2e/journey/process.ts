import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { answers, type Program, startProgram, untilReady } from '../../support/services/service.ts';

/** A process of a system, which can be killed and started as often as need be. */
export interface Running extends AsyncDisposable {
  readonly url: string;
  /** Ends it with SIGKILL. */
  kill(): Promise<void>;
  /** Ends it with SIGTERM. */
  stop(): Promise<void>;
  /** Starts it again; returns once it is ready. */
  start(): Promise<void>;
  log(): Promise<string>;
}

/** A process that is not started yet. */
export function processOf(
  { command, args, env }: Deployed,
  { folder, name, url }: { readonly folder: string; readonly name: string; readonly url: string },
): Running {
  let program: Program | undefined;
  const stop = async () => program?.stop();
  return {
    url,
    async start() {
      const [path, ...first] = command;
      program = startProgram(path, [...first, ...args], { folder, name, env });
      await untilReady(program, () => answers(`${url}/readyz`, [200, 204]));
    },
    async kill() {
      if (program === undefined) return;
      process.kill(program.pid, 'SIGKILL');
      await program.exit;
    },
    stop,
    log: () => readFile(join(folder, `${name}.log`), 'utf8'),
    [Symbol.asyncDispose]: stop,
  };
}

/** What is run, and its settings. */
export interface Deployed {
  readonly command: readonly [string, ...string[]];
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** What makes no difference but that nobody waits. */
export const QUICK = {
  POLL_INTERVAL: '50ms',
  DRAIN_DELAY: '0s',
  DRAIN_DELAY_SECONDS: '0',
  // An image has its byte code; here the first start writes it.
  PYTHONDONTWRITEBYTECODE: '',
};
