import { boolean, string } from '@oclif/core/flags';
import { BaseCommand } from '../../cli/base-command.ts';
import { runFlags, sourceFlags } from '../../cli/flags.ts';
import type { ExitCode } from '../../core/errors.ts';
import { TIME_LIMIT } from '../../dispatch/duration.ts';

export default class GitopsScaffold extends BaseCommand {
  static override documents = ['primitive.gitops-run/v1'];
  static override docs = 'gitops.md';
  static override summary =
    'Request the wiring of a primitive in the GitOps repository, and follow it to the pull request.';
  static override description = [
    'Starts the workflow that the config names, finds its own run, follows jobs and steps, and shows the pull request with its files. Writes no GitOps file.',
    'The same request again follows the running workflow, or shows the open pull request. Ctrl-C stops following, not the run.',
  ].join(' ');
  static override examples = [
    {
      description: 'Propose the wiring of domain/orders',
      command: '<%= config.bin %> gitops scaffold --kind domain --name orders --version v1',
    },
  ];
  static override flags = {
    kind: string({ summary: 'Kind of the primitive.', helpValue: 'KIND' }),
    name: string({ summary: 'Name of the primitive.', helpValue: 'NAME' }),
    version: string({ summary: 'API version, such as v1.', helpValue: 'VERSION' }),
    env: string({ summary: 'Lane that also gets values, disabled.', helpValue: 'LANE' }),
    ...sourceFlags,
    'with-smoke': boolean({ summary: 'Also write the smoke test.' }),
    force: boolean({ summary: 'Overwrite existing wiring.' }),
    ...runFlags(TIME_LIMIT, ['kind', 'name', 'version', 'env', 'source', 'with-smoke', 'force']),
  };

  async run(): Promise<ExitCode> {
    const { flags } = await this.parse(GitopsScaffold);
    const { kind, name, version, env, source, force, resume, 'dry-run': dryRun } = flags;
    const wait = flags.wait as 'none' | 'run' | 'pr';
    return this.act(flags, async (app) => {
      const [{ resumeDispatch, runDispatch }, { gitopsRunOutcome }, { openScaffold }, { workloadInput }] =
        await Promise.all([
          import('../../dispatch/run.ts'),
          import('../../dispatch/view.ts'),
          import('../../features/gitops-scaffold/request.ts'),
          import('../../features/gitops-scaffold/workload.ts'),
        ]);
      const smoke = flags['with-smoke'] ? 'true' : undefined;
      const given = { kind, name, version, env, source, with_smoke: smoke };
      const { ports, request: ask } = await openScaffold(
        app,
        { force, dryRun, timeout: flags.timeout },
        resume === undefined ? { given } : { resume },
      );
      const workload = resume === undefined ? await workloadInput(app, given) : undefined;
      const request = ask({ ...given, workload });
      const resumed = resume === undefined ? undefined : resumeDispatch(resume, request, wait, ports);
      return gitopsRunOutcome(await (resumed ?? runDispatch(request, wait, ports)));
    });
  }
}
