import type { DoctorPorts } from '../../features/doctor/run.ts';
import type { Session } from '../session.ts';

/** What `doctor` works with in a session. */
export function doctorPorts({ wiring }: Session): DoctorPorts {
  return {
    ...wiring,
    // The user waits for the answer, and a registry that does not answer is one.
    registry: () => wiring.registry({ retryBudget: 0 }),
    gitops: async () => {
      const [{ lookUp }, { config }] = await Promise.all([
        import('../../features/gitops/dispatch/diagnose.ts'),
        wiring.workspace(),
      ]);
      if (config.gitops === undefined) throw new Error('asked for a config with gitops alone');
      const { repository, workflow } = config.gitops;
      await lookUp(await wiring.github(repository, { budget: 0 }), config.gitops);
      return `${repository}: ${workflow} can be read`;
    },
  };
}
