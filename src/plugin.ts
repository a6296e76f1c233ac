/** `@ameide/primitive/plugin`: what plugins import. Its types are in `plugins/api.ts`. */
import { string as textArg } from '@oclif/core/args';
import { boolean, integer, string } from '@oclif/core/flags';
import type { App } from './app/app.ts';
import { BaseCommand as Base } from './cli/base-command.ts';
import { eventFlags, reportFlags } from './cli/flags.ts';
import { type Code, type ErrorDetails, type ExitCode, PrimitiveError as OwnError } from './core/errors.ts';
import { once } from './core/once.ts';
import type { Args, Flags, Session } from './plugins/api.ts';

/** See `BaseCommand` of `plugins/api.ts`: that of all commands, with a session in place of the app. */
export abstract class BaseCommand extends Base {
  protected override act(
    flags: Parameters<Base['act']>[0],
    // A session, as `plugins/api.ts` says; the commands of this program get the app.
    work: (session: never) => ReturnType<Parameters<Base['act']>[1]>,
  ): Promise<ExitCode> {
    return super.act(flags, (app) => work(sessionOf(app) as never));
  }
}

/** The part of the app that plugins may use. */
function sessionOf(app: App): Session {
  const { cwd, version, ci, signal, emit } = app;
  return {
    cwd,
    version,
    ci,
    signal,
    emit,
    root: async () => (await app.workspace()).location.root,
    primitives: once(async () => {
      const { readPrimitiveData } = await import('./features/verify/plugin-data.ts');
      return readPrimitiveData(app);
    }),
    run: async (program, args, options = {}) =>
      (await app.processes()).run(program, args, { ...options, signal }),
  };
}

export const flags = {
  boolean,
  string,
  integer,
  report: (...formats: readonly string[]) => reportFlags(...formats).report,
  events: () => eventFlags.events,
  verbose: () => eventFlags.verbose,
} as unknown as Flags;

export const args = {
  string: (options: object = {}) => textArg({ ...options, ignoreStdin: true }),
} as unknown as Args;

/** See `plugins/api.ts`: with codes of the plugin, which `explain` does not know. */
export class PrimitiveError extends OwnError {
  override readonly documented = false;

  constructor(code: string, message: string, details?: ErrorDetails) {
    super(code as Code, message, details);
  }
}
