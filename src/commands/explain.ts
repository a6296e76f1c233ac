import { string } from '@oclif/core/args';
import { BaseCommand } from '../cli/base-command.ts';
import type { ExitCode } from '../core/errors.ts';

export default class Explain extends BaseCommand {
  static override documents = ['primitive.explain/v1'];
  static override summary = 'Explain a rule of verify or the code of an error, or list all of them.';
  static override description = 'Works offline and outside of a repository.';
  static override args = {
    code: string({
      description: 'a rule such as SHAPE-001, a family of rules such as SEC, or a code such as inputs-dirty',
      ignoreStdin: true,
    }),
  };

  async run(): Promise<ExitCode> {
    const { args, flags } = await this.parse(Explain);
    return this.act(flags, async (app) => {
      const [{ explain }, { foreignPage }, { ruleSet }, plugins] = await Promise.all([
        import('../features/explain/run.ts'),
        import('../features/verify/foreign.ts'),
        import('../features/verify/rule-set.ts'),
        app.plugins(),
      ]);
      // Without a config that can be read there are none of its own.
      const own = await app.workspace().then(
        ({ config }) => config.verify.rules,
        () => [],
      );
      return explain(args.code, ruleSet(own, plugins), (id) => foreignPage(plugins, id));
    });
  }
}
