import type { Outcome } from '../render/outcome.ts';
import { TIME_LIMIT } from './duration.ts';
import type { Session } from './session.ts';

/**
 * What asks for the wiring of a primitive after it was scaffolded, in the first version of its API. Throws what the
 * config or the token lacks for it before anything is scaffolded.
 */
export async function wiringProposer(
  session: Session,
  dryRun: boolean,
): Promise<(primitive: { readonly kind: string; readonly name: string }) => Promise<Outcome>> {
  const [{ runDispatch }, { gitopsRunOutcome }, { gitopsPorts, scaffoldRequest }] = await Promise.all([
    import('../features/gitops-scaffold/run.ts'),
    import('../features/gitops-scaffold/view.ts'),
    import('./ports/dispatch.ts'),
  ]);
  const request = await scaffoldRequest(session, {}, { force: false, dryRun });
  const opened = await gitopsPorts(session, TIME_LIMIT);
  const github = await opened.github(request.target.repository);
  const ports = { ...opened, github: async () => github };
  return async ({ kind, name }) => {
    const given = { kind, name, version: 'v1' };
    return gitopsRunOutcome(await runDispatch({ ...request, given }, 'pr', ports));
  };
}
