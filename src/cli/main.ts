import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Config } from '@oclif/core/config';
import { secretsOf } from '../app/secrets.ts';
import { type ExitCode, PrimitiveError, toPrimitiveError } from '../core/errors.ts';
import { stringifyDocument } from '../render/outcome.ts';
import { inert } from '../render/text.ts';
import { findInvocation, isHelpFlag, wantsHelp, wantsJson } from './argv.ts';
import { describe, detectCi } from './environment.ts';
import { errorDocument, errorText, stackText } from './failure.ts';
import { styleOf } from './layout.ts';

/** How the CLI is loaded. */
export interface MainOptions {
  /** Commands are read as TypeScript from `src/commands`, without the manifest. */
  readonly development?: boolean;
}

/**
 * Runs one command line and ends the process with its exit code. Every failure leaves as `primitive.error/v1`: with
 * `--json` as the only document on stdout, otherwise as text on stderr.
 */
export async function main(argv: readonly string[], options: MainOptions = {}): Promise<never> {
  const crash = new Promise<never>((_, reject) => {
    for (const event of ['uncaughtException', 'unhandledRejection']) {
      process.on(event, (error) => isClosedPipe(error) || reject(error));
    }
  });
  let lost: Error | undefined;
  process.stdout.on('error', (error) => {
    if (!isClosedPipe(error)) lost = error;
  });
  // The first of the command's own end and a crash beside it counts: one document, one exit code.
  const exit = await Promise.race([dispatch(argv, options), crash]).catch((thrown) =>
    reportFailure(argv, thrown),
  );
  await written(process.stdout);
  const code = lost === undefined ? exit : await reportLost(lost, exit);
  if (code !== 0) await written(process.stderr);
  return process.exit(code);
}

/** A pipe may take its bytes later: the callback of a write comes after them, and also when the reader has gone. */
function written(stream: NodeJS.WriteStream): Promise<unknown> {
  return new Promise((done) => stream.write('', done));
}

/** Reports that stdout was not written, such as on a full disk, and returns the exit code. */
async function reportLost(cause: Error, exit: ExitCode): Promise<ExitCode> {
  const error = new PrimitiveError('output-lost', 'Cannot write to stdout.', {
    why: cause.message,
    exit: 3,
    cause,
  });
  process.stderr.write(await errorShown(error));
  return exit === 0 ? error.exit : exit;
}

/** A reader that has seen enough (`| head -1`) is no failure; what is written after it goes nowhere. */
function isClosedPipe(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EPIPE';
}

async function reportFailure(argv: readonly string[], thrown: unknown): Promise<ExitCode> {
  const secrets = secretsOf(process.env);
  const error = toPrimitiveError(thrown);
  if (process.env.PRIMITIVE_DEBUG) process.stderr.write(stackText(thrown, secrets));
  if (wantsJson(argv)) process.stdout.write(stringifyDocument(errorDocument(error, secrets)));
  else {
    const text = await errorShown(error);
    process.stderr.write(detectCi(process.env) === 'github' ? inert(text) : text);
  }
  return error.exit;
}

/** An error as stderr can show it. */
async function errorShown(error: PrimitiveError): Promise<string> {
  const style = await styleOf(describe(process.stderr, process.env));
  return errorText(error, secretsOf(process.env), style);
}

async function dispatch(argv: readonly string[], { development = false }: MainOptions): Promise<ExitCode> {
  checkDirectories();
  const config = await loadConfig(development);
  let invocation = findInvocation(argv, idsOf(config));
  // A command of ours starts without looking for plugins.
  const help = wantsHelp(argv);
  if (help || invocation.id === undefined || config.findCommand(invocation.id) === undefined) {
    const { addPlugins } = await import('./plugin-commands.ts');
    await addPlugins(config, process, invocation.globals, { help });
    invocation = findInvocation(argv, idsOf(config));
  }
  const { id, globals, rest } = invocation;
  const command = id === undefined ? undefined : config.findCommand(id);
  if (command === undefined) {
    const unknown = rest.find((word) => !isHelpFlag(word) && word !== '--json');
    if (unknown !== undefined) throw await notFound(unknown, id, config);
  }
  if (command === undefined || help) {
    const { showHelp } = await import('./help.ts');
    return showHelp(config, id, argv);
  }
  try {
    return await config.runCommand<ExitCode>(command.id, [...globals, ...rest], command);
  } catch (thrown) {
    if (thrown instanceof PrimitiveError) throw thrown;
    const { usageError } = await import('./usage.ts');
    throw usageError(thrown, { name: spaced(command.id), flags: Object.keys(command.flags) }) ?? thrown;
  }
}

/** The ids of commands and topics. */
function idsOf(config: Config): ReadonlySet<string> {
  return new Set([...config.commandIDs, ...config.topics.map(({ name }) => name)]);
}

/** Throws `home-missing` or `directory-not-found` if the process has no home or current directory. */
function checkDirectories(): void {
  try {
    homedir();
  } catch (cause) {
    // Not guessed: others could leave files in a folder that is writable for all.
    throw new PrimitiveError('home-missing', 'Cannot find the home directory.', {
      why: 'HOME is not set, and the system has no user with this id.',
      suggestions: ['Set HOME to a directory that only this user can write to.'],
      cause,
    });
  }
  try {
    process.cwd();
  } catch (cause) {
    throw new PrimitiveError('directory-not-found', 'The current directory no longer exists.', {
      why: 'It was removed after this shell or program entered it.',
      suggestions: ['Change to a directory that exists.'],
      cause,
    });
  }
}

async function notFound(word: string, topic: string | undefined, config: Config): Promise<PrimitiveError> {
  const { unknownCommand, unknownFlag } = await import('./usage.ts');
  if (word.startsWith('-'))
    return unknownFlag([word], { name: 'primitive', flags: ['help', 'json', 'version'] });
  return unknownCommand(word, topic === undefined ? undefined : spaced(topic), config.commandIDs.map(spaced));
}

function spaced(id: string): string {
  return id.replaceAll(':', ' ');
}

/**
 * The commands, by oclif. Neither user nor development plugins: both would run code from the home folder. No
 * transpiling either, which NODE_ENV=development would switch on.
 */
async function loadConfig(development: boolean): Promise<Config> {
  // Not at the top: oclif asks for the home folder when it is loaded, and may fail.
  const [{ Config }, { settings }] = await Promise.all([
    import('@oclif/core/config'),
    import('@oclif/core/settings'),
  ]);
  settings.enableAutoTranspile = false;
  const root = fileURLToPath(new URL(development ? '../..' : '..', import.meta.url)).replace(/[/\\]$/, '');
  const pjson = JSON.parse(readFileSync(`${root}/package.json`, 'utf8'));
  if (development) pjson.oclif.commands = { ...pjson.oclif.commands, target: './src/commands' };
  const options = {
    root,
    pjson,
    isRoot: true,
    userPlugins: false,
    devPlugins: false,
    ignoreManifest: development,
  };
  return Config.load(options);
}
