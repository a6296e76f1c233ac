import { join } from 'node:path';
import { Config } from '@oclif/core/config';
import { type App, createApp } from '../../src/app/app.ts';
import type { Environment } from '../../src/app/environment.ts';
import { type EnvironmentFlags, readEnvironment } from '../../src/cli/environment.ts';
import { errorDocument, errorText } from '../../src/cli/failure.ts';
import { createProgress, type ProgressFlags } from '../../src/cli/progress.ts';
import Doctor from '../../src/commands/doctor.ts';
import Publish from '../../src/commands/publish.ts';
import { type ExitCode, toPrimitiveError } from '../../src/core/errors.ts';
import { type Outcome, stringifyDocument } from '../../src/render/outcome.ts';
import { createStyle } from '../../src/render/style.ts';
import type { Call } from './packed.ts';

const root = join(import.meta.dirname, '../..');
const config = Config.load({ root, isRoot: true, userPlugins: false, devPlugins: false });

/** Where a call believes to run: all that it sees of the process. */
export interface Place {
  readonly cwd: string;
  readonly home: string;
  readonly temporary: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * Runs the command `publish` with its flags, its adapters, its view and its events, in the process of the test: without the
 * half second of processor time that the packed CLI needs to start.
 */
export async function publishInProcess(argv: readonly string[], place: Place): Promise<Call> {
  return runInProcess(Publish, argv, place);
}

/** The same for `doctor`. */
export async function doctorInProcess(argv: readonly string[], place: Place): Promise<Call> {
  return runInProcess(Doctor, argv, place);
}

async function runInProcess(
  Command: typeof Publish | typeof Doctor,
  argv: readonly string[],
  place: Place,
): Promise<Call> {
  const io = { stdout: '', stderr: '' };
  const command = new Command([...argv], await config);
  // The command finds `place` instead of the process around it.
  Object.assign(command, {
    act: (flags: EnvironmentFlags & ProgressFlags, work: (app: App) => Promise<Outcome>) =>
      act(flags, work, place, io),
  });
  const code = await command.run();
  return { code, ...io };
}

async function act(
  flags: EnvironmentFlags & ProgressFlags,
  work: (app: App) => Promise<Outcome>,
  place: Place,
  io: { stdout: string; stderr: string },
): Promise<ExitCode> {
  const environment = await environmentOf(flags, place);
  const write = (text: string) => {
    io.stderr += text;
  };
  using progress = await createProgress({ write } as NodeJS.WriteStream, environment, flags);
  const { emit } = progress;
  const { signal } = new AbortController();
  const app = createApp({ ...environment, signal, emit });
  try {
    const outcome = await work(app);
    io.stdout = flags.json ? stringifyDocument(outcome.document) : outcome.text(createStyle(false));
    return outcome.exit;
  } catch (thrown) {
    const error = toPrimitiveError(thrown);
    if (flags.json) io.stdout = stringifyDocument(errorDocument(error, environment.secrets));
    else write(errorText(error, environment.secrets, createStyle(false)));
    return error.exit;
  } finally {
    await app.close();
  }
}

async function environmentOf(
  flags: EnvironmentFlags,
  { cwd, home, temporary, env }: Place,
): Promise<Environment> {
  const { platform, arch } = process;
  const seen = { env, cwd: () => cwd, platform, arch, stdin: {}, stdout: {}, stderr: {} } as NodeJS.Process;
  const { version } = await config;
  return { ...readEnvironment(seen, flags, version), home, temporary };
}
