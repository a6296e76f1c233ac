import { once } from '../../core/once.ts';
import type { DoctorPorts } from '../../features/doctor/run.ts';
import type { Session } from '../session.ts';
import { publishPorts } from './publish.ts';

/** What `doctor` works with in a session. */
export async function doctorPorts(session: Session): Promise<DoctorPorts> {
  const { wiring, environment } = session;
  const [{ PATIENCE }, { rehearsePublish }] = await Promise.all([
    import('../../features/doctor/run.ts'),
    import('../../features/publish/rehearse.ts'),
  ]);
  // The user waits for the answer, and a registry that does not answer is one.
  const registry = once(() => wiring.registry({ retryBudget: 0 }));
  return {
    ...wiring,
    platform: environment.platform,
    skipped: environment.programs.skipped,
    publish: rehearsePublish({ ...publishPorts(session), registry }, PATIENCE, session.emit),
    gitops: async (gitops) => {
      const { lookUp } = await import('../../features/gitops-scaffold/diagnose.ts');
      const { repository, workflow } = gitops;
      await lookUp(await wiring.github(repository, { budget: 0 }), gitops);
      return `${repository}: ${workflow} can be read`;
    },
  };
}
