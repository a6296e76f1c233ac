import { mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PrimitiveError } from '../../core/errors.ts';
import type { RepositoryIds } from '../../features/init/guess.ts';
import type { InitPorts } from '../../features/init/run.ts';
import { bundledKinds } from '../../kinds/kind.ts';
import type { Session } from '../session.ts';

/** What `init` works with in a session. */
export async function initPorts(session: Session): Promise<InitPorts> {
  const { wiring, environment, emit, signal } = session;
  return {
    cwd: await realpath(environment.cwd),
    version: environment.version,
    workflowTemplate: () => readFile(join(bundledKinds(), '../ci/github.yaml.eta'), 'utf8'),
    config: async () => (await wiring.workspace()).config,
    origin: async (root) => {
      const [{ readOrigin }, processes] = await Promise.all([
        import('../../adapters/git-origin.ts'),
        wiring.processes(),
      ]);
      return readOrigin(processes, root, signal);
    },
    ids: (name) => findIds(name, session),
    withNpm: async (use) => {
      const [{ openNpm }, processes] = await Promise.all([
        import('../../adapters/npm.ts'),
        wiring.processes(),
      ]);
      const folder = await mkdtemp(join(environment.temporary, 'primitive-npm-'));
      try {
        return await use(openNpm(processes, folder, signal));
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
    ...(environment.interactive && {
      ask: async (question) => (await import('../prompt.ts')).ask(session, question),
    }),
    emit,
    signal,
  };
}

/** Milliseconds that GitHub gets for an answer which init can do without. */
const PATIENCE = 10_000;

/** From the job of GitHub Actions that this is, else from GitHub with the user's token; undefined where both fail. */
async function findIds(
  name: string,
  { wiring, environment: { ci, variables }, signal }: Session,
): Promise<RepositoryIds | undefined> {
  const { GITHUB_SERVER_URL, GITHUB_REPOSITORY, GITHUB_REPOSITORY_ID, GITHUB_REPOSITORY_OWNER_ID } =
    variables;
  const isHere = ci === 'github' && GITHUB_SERVER_URL === 'https://github.com' && GITHUB_REPOSITORY === name;
  if (isHere && GITHUB_REPOSITORY_ID && GITHUB_REPOSITORY_OWNER_ID)
    return { repositoryId: GITHUB_REPOSITORY_ID, ownerId: GITHUB_REPOSITORY_OWNER_ID };
  const patience = AbortSignal.timeout(PATIENCE);
  try {
    return await wiring.repositoryIds(name, AbortSignal.any([signal, patience]));
  } catch (error) {
    signal.throwIfAborted();
    if (patience.aborted || error instanceof PrimitiveError) return undefined;
    throw error;
  }
}
