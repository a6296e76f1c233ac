import { readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { PrimitiveError } from '../core/errors.ts';
import type { InitDocument } from '../features/init/document.ts';
import type { InitFacts, InitFlags, InitGuess } from '../features/init/guess.ts';
import type { InitFile } from '../features/init/plan.ts';

import { bundledKinds } from '../kinds/kind.ts';
import type { Outcome } from '../render/outcome.ts';
import type { Config } from '../workspace/config.ts';
import type { Session } from './session.ts';

/** What the flags of `init` come to. */
export interface InitRequest extends InitFlags {
  readonly ci: string | undefined;
  readonly dryRun: boolean;
}

/** Writes the config and, with `--ci`, the workflow; where the config is there, the workflow alone. */
export async function runInit(session: Session, request: InitRequest): Promise<Outcome> {
  const { environment, signal } = session;
  const [{ refuseExisting, writeNew }, { initText }, { findConfig, CONFIG_FILE }] = await Promise.all([
    import('../features/init/write.ts'),
    import('../features/init/view.ts'),
    import('../workspace/discovery.ts'),
  ]);
  const root = await rootOf(environment.cwd);
  const there = await findConfig({ cwd: root }).catch(() => undefined);
  if (there !== undefined && request.ci === undefined) refuseExisting(root, [{ path: CONFIG_FILE }]);
  const { files, answers } =
    there === undefined ? await newFiles(session, root, request) : { files: [await workflowOf(session)] };
  refuseExisting(root, files);
  signal.throwIfAborted();
  if (!request.dryRun) writeNew(root, files);
  const document = {
    schema: 'primitive.init/v1',
    files,
    ...(answers && { answers }),
    next: ['primitive scaffold --kind domain --name orders', 'primitive doctor'],
    written: !request.dryRun,
  } as const;
  return { document, text: (style) => initText(document, style), exit: 0 };
}

interface NewFiles {
  readonly files: readonly InitFile[];
  readonly answers?: InitDocument['answers'];
}

async function newFiles(session: Session, root: string, request: InitRequest): Promise<NewFiles> {
  const { version, interactive } = session.environment;
  const [{ guess, namesOf }, { planConfig }] = await Promise.all([
    import('../features/init/guess.ts'),
    import('../features/init/plan.ts'),
  ]);
  const facts = await readFacts(session, root);
  const answers = await complete(session, guess(facts, request));
  const languages = namesOf(answers.repository, facts);
  const { config, ...file } = await planConfig({ ...answers, languages }, version);
  const files = request.ci === undefined ? [file] : [file, await workflow(config, version)];
  if (interactive && !request.dryRun) await confirm(session, files);
  return { files, answers };
}

/** For the config that is there. */
async function workflowOf({ wiring, environment }: Session): Promise<InitFile> {
  const { config } = await wiring.workspace();
  return workflow(config, environment.version);
}

async function workflow(config: Config, version: string): Promise<InitFile> {
  const { planWorkflow } = await import('../features/init/plan.ts');
  const template = await readFile(join(bundledKinds(), '../ci/github.yaml.eta'), 'utf8');
  return planWorkflow(config, template, version);
}

/** The folder that one stands in, which has to be the root of a repository. */
async function rootOf(cwd: string): Promise<string> {
  const { findRepository } = await import('../workspace/discovery.ts');
  const folder = await realpath(cwd);
  const root = await findRepository(folder);
  if (root === folder) return root;
  throw root === undefined
    ? new PrimitiveError('git-not-a-repository', `${folder} is in no git repository.`, {
        why: 'what is published is what was committed',
        suggestions: ['git init && primitive init'],
      })
    : new PrimitiveError('init-not-at-root', `${folder} is not the root of its repository.`, {
        why: `that is ${root}, where the config is looked for last`,
        suggestions: [`primitive -C ${root} init`],
      });
}

async function readFacts({ wiring, signal }: Session, root: string): Promise<InitFacts> {
  const [{ readOrigin }, processes] = await Promise.all([
    import('../adapters/git-origin.ts'),
    wiring.processes(),
  ]);
  const text = (file: string) => readFile(join(root, file), 'utf8').catch(() => undefined);
  const [origin, goMod, packageJson] = await Promise.all([
    readOrigin(processes, root, signal),
    text('go.mod'),
    text('package.json'),
  ]);
  return { ...origin, goMod, packageJson };
}

/** Asks for what could not be guessed; without anybody to ask, an error that names the flags. */
async function complete(
  session: Session,
  { repository, registry, branch }: InitGuess,
): Promise<NonNullable<InitDocument['answers']>> {
  if (repository !== undefined && registry !== undefined) return { repository, registry, branch };
  if (!session.environment.interactive) throw incomplete(repository, registry);
  const [{ ask }, { guess, repositoryOf }, { joinRepository }] = await Promise.all([
    import('./prompt.ts'),
    import('../features/init/guess.ts'),
    import('../oci/reference.ts'),
  ]);
  const faultOf = (check: (answer: string) => unknown) => (answer: string) => {
    try {
      check(answer);
      return undefined;
    } catch (error) {
      return error instanceof PrimitiveError ? (error.why ?? error.message) : undefined;
    }
  };
  const answered =
    repository ??
    (await ask(session, { text: 'Repository, such as acme/app', fault: faultOf(repositoryOf) }));
  const again = guess({}, { repository: answered, registry, branch });
  const place =
    again.registry ??
    (await ask(session, {
      text: 'Registry for images, such as ghcr.io/acme',
      fault: faultOf((answer) => joinRepository(answer, 'image')),
    }));
  return { repository: again.repository ?? answered, registry: place, branch };
}

function incomplete(repository: string | undefined, registry: string | undefined): PrimitiveError {
  const open = [
    ...(repository === undefined ? ['--repository OWNER/NAME'] : []),
    ...(registry === undefined && repository !== undefined ? ['--registry HOST/PATH'] : []),
  ];
  return new PrimitiveError('missing-flag', `init needs ${open.join(' and ')}.`, {
    why:
      repository === undefined
        ? 'there is no remote to guess it from'
        : `no registry is known to come with ${repository}`,
    suggestions: [`primitive init ${open.join(' ')}`, 'Or: git remote add origin URL && primitive init'],
  });
}

async function confirm(session: Session, files: readonly InitFile[]): Promise<void> {
  const { ask } = await import('./prompt.ts');
  const shown = files.map(({ path, text }) => `# ${path}\n${text}`).join('\n');
  const fault = (answer: string) => (/^(y|yes|n|no)$/i.test(answer) ? undefined : 'yes or no');
  const answer = await ask(session, {
    text: `${shown}\nWrite ${files.length === 1 ? 'this' : 'these'}?`,
    preset: 'yes',
    fault,
  });
  if (/^y/i.test(answer)) return;
  throw new PrimitiveError('init-declined', 'Nothing was written.', {
    suggestions: ['Other answers: primitive init --repository … --registry … --branch …'],
  });
}
