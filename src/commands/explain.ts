import { string } from '@oclif/core/args';
import { BaseCommand } from '../cli/base-command.ts';
import type { ExitCode } from '../core/errors.ts';

export default class Explain extends BaseCommand {
  static override documents = ['primitive.explain/v1'];
  static override summary = 'Say what a rule of verify means, or list all rules.';
  static override description = 'Works offline and outside of a repository.';
  static override args = {
    rule: string({ description: 'Id of a rule, such as SHAPE-001.', ignoreStdin: true }),
  };

  async run(): Promise<ExitCode> {
    const { args, flags } = await this.parse(Explain);
    return this.act(flags, async () => {
      const [{ explain }, { rules }] = await Promise.all([
        import('../features/verify/explain.ts'),
        import('../features/verify/rules/all.ts'),
      ]);
      return explain(args.rule, rules);
    });
  }
}
