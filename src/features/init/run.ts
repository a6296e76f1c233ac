import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PrimitiveError } from '../../core/errors.ts';
import type { Emit } from '../../core/events.ts';
import { packagePath } from '../../core/package.ts';
import { LANGUAGE_IDS, type LanguageId, languageNamed } from '../../languages/all.ts';
import type { Config } from '../../repository/config.ts';
import { CONFIG_FILE, findConfig, requireRoot } from '../../repository/discovery.ts';
import { cliSource, type NpmPort } from '../../toolchain/cli-package.ts';
import { complete, type InitQuestion } from './answers.ts';
import { idsCommand } from './config-text.ts';
import type { InitDocument } from './document.ts';
import { checkFlags, guess, type InitFacts, type InitFlags, namesOf, type RepositoryIds } from './guess.ts';
import { findIds, type IdPorts } from './ids.ts';
import { type InitFile, planConfig, planWorkflows } from './plan.ts';
import { refuseExisting, writeNew } from './write.ts';

/** A request of `init`. */
export interface InitRequest extends InitFlags {
  /** The CI to write the workflows for. */
  readonly ci: string | undefined;
  readonly dryRun: boolean;
}

/** Ports of `init`. */
export interface InitPorts extends IdPorts {
  /** Absolute, links resolved. */
  readonly cwd: string;
  /** Of this CLI. */
  readonly version: string;
  workspace(): Promise<{ readonly config: Config }>;
  /** `remote` and default `branch` of a repository, by git. */
  origin(root: string): Promise<Pick<InitFacts, 'remote' | 'branch'>>;
  /** Lends npm for as long as `use` takes. */
  withNpm<T>(use: (npm: NpmPort) => Promise<T>): Promise<T>;
  /** Absent without a terminal. */
  readonly ask?: (question: InitQuestion) => Promise<string>;
  readonly emit: Emit;
}

/**
 * Writes the config and, with `ci`, the workflows; the workflows that are missing if the config exists. Asks for what cannot be
 * guessed.
 *
 * Throws `init-exists`, `init-not-at-root`, `init-integrity-unknown`, `git-not-a-repository`, `missing-flag`, `invalid-flag`, `init-declined`
 * (exit 2), `disk-full`, `not-writable` and `not-written` (exit 3).
 */
export async function runInit(request: InitRequest, ports: InitPorts): Promise<InitDocument> {
  checkFlags(request);
  const root = await requireRoot(ports.cwd, 'init');
  const exists = (await findConfig({ cwd: root }).catch(() => undefined)) !== undefined;
  if (exists && request.ci === undefined) refuseExisting(root, [{ path: CONFIG_FILE }]);
  const { files, answers } = exists
    ? {
        files: missing(root, await workflows(root, (await ports.workspace()).config, ports)),
        answers: undefined,
      }
    : await newFiles(root, request, ports);
  refuseExisting(root, files);
  ports.signal.throwIfAborted();
  if (!request.dryRun) {
    // Not before the questions: a live view would be in their way.
    ports.emit({
      type: 'step',
      step: 'write',
      message: `Writing ${files.map(({ path }) => path).join(', ')}`,
    });
    await writeNew(root, files);
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
  const ids = await readIds(answers.repository, ports);
  const { config, ...file } = await planConfig({ ...answers, ids, languages }, ports.version);
  const files = request.ci === undefined ? [file] : [file, ...(await workflows(root, config, ports))];
  if (ports.ask && !request.dryRun) await confirm(files, ports.ask);
  return { files, answers };
}

async function readIds(repository: string, ports: InitPorts): Promise<RepositoryIds | undefined> {
  const [host, ...path] = repository.split('/');
  if (host !== 'github.com') return undefined;
  const name = path.join('/');
  const ids = await findIds(name, ports);
  if (ids === undefined) {
    const message = `The ids of ${name} are not known here, so signers are compared by name. Ask for them: ${idsCommand(name)}`;
    ports.emit({ type: 'warning', code: 'init-ids-unknown', message });
  }
  return ids;
}

async function workflows(root: string, config: Config, ports: InitPorts): Promise<readonly InitFile[]> {
  const folder = packagePath('templates/ci');
  const [publish, update, lock] = await Promise.all([
    readFile(join(folder, 'github.yaml.eta'), 'utf8'),
    readFile(join(folder, 'update.yaml.eta'), 'utf8'),
    readText(root, 'package-lock.json'),
  ]);
  const cli = await ports.withNpm((npm) => cliSource(ports.version, lock, npm));
  const planned = planWorkflows(config, { publish, update }, cli);
  return [planned.publish, planned.update];
}

/** One of two workflows may be there, of an earlier version of this program; both are refused as a whole. */
function missing(root: string, files: readonly InitFile[]): readonly InitFile[] {
  const left = files.filter(({ path }) => !existsSync(join(root, path)));
  return left.length === 0 ? files : left;
}

function readText(root: string, file: string): Promise<string | undefined> {
  return readFile(join(root, file), 'utf8').catch(() => undefined);
}

async function readFacts(root: string, ports: InitPorts): Promise<InitFacts> {
  const manifests: Partial<Record<LanguageId, string>> = {};
  for (const id of LANGUAGE_IDS) {
    const text = await readText(root, languageNamed(id).manifest);
    if (text !== undefined) manifests[id] = text;
  }
  return { ...(await ports.origin(root)), manifests };
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
    suggestions: ['To change the answers: primitive init --repository … --registry … --branch …'],
  });
}
