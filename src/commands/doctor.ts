import { BaseCommand } from '../cli/base-command.ts';
import { reportFlags } from '../cli/flags.ts';
import type { Wiring } from '../cli/wiring.ts';
import type { ExitCode } from '../core/errors.ts';
import type { DoctorPorts } from '../features/doctor/probes.ts';

export default class Doctor extends BaseCommand {
  static override summary = 'Check what a publish needs, and how to fix what is missing.';
  static override description =
    'Checks the config, git, the builder, cosign, syft, the signing identity and push access to the registry. Changes nothing. Exit code 1: something has to be fixed; 3: a tool, the network or a credential failed.';
  static override flags = { ...reportFlags() };

  async run(): Promise<ExitCode> {
    const { flags } = await this.parse(Doctor);
    return this.act(flags, async ({ wiring }) => {
      const [{ examine }, { publishProbes }, { doctorText }] = await Promise.all([
        import('../features/doctor/report.ts'),
        import('../features/doctor/probes.ts'),
        import('../features/doctor/view.ts'),
      ]);
      const { report, exit } = await examine(publishProbes(portsOf(wiring)));
      return { document: report, text: (style) => doctorText(report, style), exit };
    });
  }
}

function portsOf(wiring: Wiring): DoctorPorts {
  return {
    workspace: () => wiring.workspace(),
    repository: () => wiring.repository(),
    components: () => wiring.components(),
    builder: () => wiring.builder(),
    program: (name) => wiring.program(name),
    identity: async () => {
      const [{ signer, claims, pullRequest }, policy, { head }, { checkRun, resolveRun }] = await Promise.all(
        [wiring.identity(), wiring.policy(), wiring.repository(), import('../features/publish/identity.ts')],
      );
      checkRun({ head: head.commit, claims, pullRequest });
      return resolveRun(signer, policy, head.branch);
    },
    // Somebody waits for the answer, and a registry that does not answer is one.
    registry: () => wiring.registry({ retryBudget: 0 }),
    releases: async () => {
      const [{ config }, { releasesRepository }] = await Promise.all([
        wiring.workspace(),
        import('../seal/record.ts'),
      ]);
      return releasesRepository(config.registry);
    },
  };
}
