import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PrimitiveError } from '../../core/errors.ts';
import type { Emit } from '../../core/events.ts';
import type { Config } from '../../workspace/config.ts';
import { CONFIG_FILE, findConfig, requireRoot } from '../../workspace/discovery.ts';
import { complete, type InitQuestion } from './answers.ts';
import type { InitDocument } from './document.ts';
import { checkFlags, guess, type InitFacts, type InitFlags, namesOf } from './guess.ts';
import { type InitFile, planConfig, planWorkflow } from './plan.ts';
import { refuseExisting, writeNew } from './write.ts';

/** What `init` is asked to do. */
export interface InitRequest extends InitFlags {
  /** The CI to write the publish workflow for. */
  readonly ci: string | undefined;
  readonly dryRun: boolean;
}

/** What `init` works with. */
export interface InitPorts {
  /** Absolute, links resolved. */
  readonly cwd: string;
  /** Of this CLI. */
  readonly version: string;
  /** The text of `templates/ci/github.yaml.eta`. */
  workflowTemplate(): Promise<string>;
  /** The config that exists. */
  config(): Promise<Config>;
  /** What git says of a repository: `remote` and default `branch`. */
  origin(root: string): Promise<Pick<InitFacts, 'remote' | 'branch'>>;
  /** Absent without a terminal. */
  readonly ask?: (question: InitQuestion) => Promise<string>;
  readonly emit: Emit;
  readonly signal: AbortSignal;
}

/**
 * Writes the config and, with `ci`, the workflow; the workflow alone where the config exists. Asks for what cannot be
 * guessed.
 *
 * Throws `init-exists`, `init-not-at-root`, `git-not-a-repository`, `missing-flag`, `invalid-flag`, `init-declined`
 * (exit 2), `disk-full`, `not-writable` and `not-written` (exit 3).
 */
export async function runInit(request: InitRequest, ports: InitPorts): Promise<InitDocument> {
  checkFlags(request);
  const root = await requireRoot(ports.cwd, 'init');
  const exists = (await findConfig({ cwd: root }).catch(() => undefined)) !== undefined;
  if (exists && request.ci === undefined) refuseExisting(root, [{ path: CONFIG_FILE }]);
  const { files, answers } = exists
    ? { files: [await workflow(await ports.config(), ports)], answers: undefined }
    : await newFiles(root, request, ports);
  refuseExisting(root, files);
  ports.signal.throwIfAborted();
  if (!request.dryRun) {
    // Not before the questions: a live view would be in their way.
    ports.emit({
      type: 'step',
      step: 'write',
      message: `Writing ${files.map(({ path }) => path).join(' and ')}`,
    });
    writeNew(root, files);
  }
  return {
    schema: 'primitive.init/v1',
    files,
    ...(answers && { answers }),
    next: ['primitive scaffold --kind domain --name orders', 'primitive doctor'],
    written: !request.dryRun,
  };
}

async function newFiles(root: string, request: InitRequest, ports: InitPorts) {
  const facts = await readFacts(root, ports);
  const answers = await complete(guess(facts, request), ports.ask);
  const languages = namesOf(answers.repository, facts);
  const { config, ...file } = await planConfig({ ...answers, languages }, ports.version);
  const files = request.ci === undefined ? [file] : [file, await workflow(config, ports)];
  if (ports.ask && !request.dryRun) await confirm(files, ports.ask);
  return { files, answers };
}

async function workflow(config: Config, ports: InitPorts): Promise<InitFile> {
  return planWorkflow(config, await ports.workflowTemplate(), ports.version);
}

async function readFacts(root: string, ports: InitPorts): Promise<InitFacts> {
  const text = (file: string) => readFile(join(root, file), 'utf8').catch(() => undefined);
  const [origin, goMod, packageJson] = await Promise.all([
    ports.origin(root),
    text('go.mod'),
    text('package.json'),
  ]);
  return { ...origin, goMod, packageJson };
}

async function confirm(files: readonly InitFile[], ask: NonNullable<InitPorts['ask']>): Promise<void> {
  const shown = files.map(({ path, text }) => `# ${path}\n${text}`).join('\n');
  const answer = await ask({
    text: `${shown}\nWrite ${files.length === 1 ? 'this' : 'these'}?`,
    preset: 'yes',
    fault: (typed) => (/^(y|yes|n|no)$/i.test(typed) ? undefined : 'yes or no'),
  });
  if (/^y/i.test(answer)) return;
  throw new PrimitiveError('init-declined', 'Nothing was written.', {
    suggestions: ['Other answers: primitive init --repository … --registry … --branch …'],
  });
}
