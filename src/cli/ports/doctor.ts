import type { DoctorPorts } from '../../features/doctor/run.ts';
import type { Session } from '../session.ts';

/** What `doctor` works with in a session. */
export function doctorPorts({ wiring, environment }: Session): DoctorPorts {
  return {
    ...wiring,
    platform: environment.platform,
    skipped: environment.programs.skipped,
    // The user waits for the answer, and a registry that does not answer is one.
    registry: () => wiring.registry({ retryBudget: 0 }),
    gitops: async (gitops) => {
      const { lookUp } = await import('../../features/gitops/dispatch/diagnose.ts');
      const { repository, workflow } = gitops;
      await lookUp(await wiring.github(repository, { budget: 0 }), gitops);
      return `${repository}: ${workflow} can be read`;
    },
  };
}
