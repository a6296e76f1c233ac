import { warnOfShortSecrets } from '../app/secrets.ts';
import { BaseCommand } from '../cli/base-command.ts';
import { reportFlags } from '../cli/flags.ts';
import type { ExitCode } from '../core/errors.ts';
import type { RunTarget } from '../dispatch/diagnose.ts';

export default class Doctor extends BaseCommand {
  static override documents = ['primitive.doctor/v1'];
  static override docs = 'reference.md#doctor';
  static override summary =
    'Check whether a publish can run, or a GitOps repository is set up, and how to fix what is missing.';
  static override description =
    'Rehearses a publish up to its first effect: config, inputs, identity, plan, Dockerfiles, tools, push access and bases. Then finds the programs that verify starts. In a GitOps repository it checks with `gh` whether the repository is set up on GitHub. Changes nothing. A service that does not answer within 10 seconds is listed as not checked. Exits 1 if something must be fixed, and 3 if a tool, the network or a credential failed.';
  static override flags = { ...reportFlags() };

  async run(): Promise<ExitCode> {
    const { flags } = await this.parse(Doctor);
    return this.act(flags, async (app) => {
      warnOfShortSecrets(app);
      const [{ PATIENCE, runDoctor }, { doctorOutcome }, { rehearsePublish }, { findTools }] =
        await Promise.all([
          import('../features/doctor/run.ts'),
          import('../features/doctor/view.ts'),
          import('../features/publish/rehearse.ts'),
          import('../features/verify/tools.ts'),
        ]);
      // The user waits for the answer, and a registry that does not answer is one.
      const registry = () => app.registry({ retryBudget: 0 });
      const publish = rehearsePublish({ ...app, registry }, PATIENCE);
      const checkWorkflow = async (gitops: RunTarget) => {
        const { lookUp } = await import('../dispatch/diagnose.ts');
        await lookUp(await app.github(gitops.repository, { budget: 0 }), gitops);
      };
      const verifyTools = async () => {
        const { checkGenerator } = await import('../features/generate/context.ts');
        return findTools({ ...app, checkGenerator: checkGenerator(app) });
      };
      const setup = async () => {
        const run = await app.gitopsSetup();
        if (run === undefined) return undefined;
        return async (signal: AbortSignal) => {
          const { stdout, ...rest } = await run(signal);
          return { ...rest, stdout: Buffer.from(stdout).toString() };
        };
      };
      return doctorOutcome(await runDoctor({ ...app, publish, checkWorkflow, verifyTools, setup }));
    });
  }
}
