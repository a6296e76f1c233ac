import { Command } from '@oclif/core/command';
import type { Config } from '@oclif/core/config';
import { type App, createApp } from '../app/app.ts';
import type { Environment } from '../app/environment.ts';
import { type ExitCode, toPrimitiveError } from '../core/errors.ts';
import { type Outcome, stringifyDocument } from '../render/outcome.ts';
import { inert } from '../render/text.ts';
import { type EnvironmentFlags, readEnvironment } from './environment.ts';
import { errorDocument } from './failure.ts';
import { baseFlags, type ReportRequest } from './flags.ts';
import type { KindInputs } from './help-document.ts';
import { isInterruption, listenForInterrupts } from './interrupt.ts';
import { styleOf } from './layout.ts';
import type { ProgressFlags } from './progress.ts';
import { checkReports, type ReportTarget, writeAtomically } from './reports.ts';

/** The flags that {@link BaseCommand.act} looks at; commands without reports or events leave those out. */
interface ActFlags extends EnvironmentFlags, ProgressFlags {
  readonly report?: readonly ReportRequest[] | undefined;
}

/** Base of all commands: global flags, environment, and output of the outcome. */
export abstract class BaseCommand extends Command {
  static override baseFlags = baseFlags;

  /** Names of the schemas of what `--json` may print, besides errors. */
  static documents: readonly string[] = [];

  /** The page of `docs/` on this command. */
  static docs = 'reference.md';

  /** Flags that depend on the kind; absent for a command without such. */
  static inputs?: () => Promise<readonly KindInputs[]>;

  /** As oclif's, without loading the configuration a second time. */
  static override async run<T extends Command>(
    this: new (
      argv: string[],
      config: Config,
    ) => T,
    argv?: string[],
    config?: unknown,
  ): Promise<ReturnType<T['run']>> {
    const command = new this(argv ?? [], config as Config) as T & { _run(): Promise<ReturnType<T['run']>> };
    return command._run();
  }

  abstract override run(): Promise<ExitCode>;

  /** Errors are printed in `main` alone. */
  protected override async catch(error: Error): Promise<never> {
    throw error;
  }

  /** Runs `work` with the app and shows its outcome; resolves to the exit code. */
  protected async act(flags: ActFlags, work: (app: App) => Promise<Outcome>): Promise<ExitCode> {
    const environment = readEnvironment(process, flags, this.config.version);
    const reports = await checkReports(flags.report ?? [], environment.cwd);
    const { createProgress } = await import('./progress.ts');
    using progress = await createProgress(process.stderr, environment, flags);
    using interrupts = listenForInterrupts(process, progress.emit);
    const { signal } = interrupts;
    const { emit } = progress;
    const app = createApp({
      ...environment,
      signal,
      emit,
      ...(environment.interactive && {
        ask: async (question) => (await import('./prompt.ts')).ask(question, signal),
      }),
    });
    const command = (this.id ?? '').replaceAll(':', ' ');
    const whole = async () => {
      // Not around those that may have to remove a plugin.
      const hooks = command.startsWith('plugins ') ? undefined : app.hooks;
      await hooks?.('before', { command });
      const found = await work(app);
      await hooks?.('after', { command, exit: found.exit, document: found.document });
      return found;
    };
    const outcome = await whole()
      .catch(async (error: unknown) => {
        // After an interruption other things may fail; the interruption is the cause, in the words of the command.
        const cause = signal.aborted && !isInterruption(error) ? signal.reason : error;
        if (reports.length > 0) await writeFailure(reports, cause, environment);
        throw cause;
      })
      .finally(() => app.close());
    progress.end();
    const document = () => stringifyDocument(outcome.document);
    for (const { format, path } of reports) {
      await writeAtomically(path, format === 'json' ? document() : (outcome.reports?.[format]?.() ?? ''));
    }
    if (environment.ci === 'github' && outcome.github) {
      const { writeGithub } = await import('./github.ts');
      await writeGithub(process.stderr, environment, outcome.github);
    }
    if (flags.json) {
      process.stdout.write(document());
    } else {
      const text = outcome.text(await styleOf(environment.stdout));
      process.stdout.write(environment.ci === 'github' ? inert(text) : text);
    }
    return outcome.exit;
  }
}

/** Writes the error to the reports: who reads one finds this run, not the last. */
async function writeFailure(
  reports: readonly ReportTarget[],
  error: unknown,
  { secrets, version }: Environment,
): Promise<void> {
  const { errorReport } = await import('./error-report.ts');
  const document = errorDocument(toPrimitiveError(error), secrets);
  for (const { format, path } of reports) {
    // The failure itself is what has to be reported, even if its report cannot be written.
    await writeAtomically(path, errorReport(format, document, version)).catch(() => {});
  }
}
