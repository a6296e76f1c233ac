import { boolean, string } from '@oclif/core/flags';
import { BaseCommand } from '../cli/base-command.ts';
import { baseFlags, effectFlags, eventFlags, reportFlags, updateFlags } from '../cli/flags.ts';
import { misspeltFlag, rethrow, splitInputs } from '../cli/inputs.ts';
import type { ExitCode } from '../core/errors.ts';
import { nestOutcome } from '../render/outcome.ts';

export default class Scaffold extends BaseCommand {
  static override documents = ['primitive.scaffold-plan/v1', 'primitive.scaffold-update/v1'];
  static override docs = 'kinds.md';
  static override summary = 'Write the code of a new primitive, or what is new for one that is there.';
  static override description = [
    'New files are created and generated ones regenerated; what people edit or delete is left alone.',
    'All of it is written or nothing, into primitives/<kind>/<name>; no manifests, charts or values.',
    'Inputs of a kind are flags, too; without --kind and --name the kinds are listed with theirs.',
  ].join(' ');
  static override examples = [
    { description: 'A new primitive', command: '<%= config.bin %> scaffold --kind domain --name orders' },
    { description: 'Take over newer templates', command: '<%= config.bin %> scaffold --update --all' },
    {
      description: 'Take the events of a domain',
      command: '<%= config.bin %> scaffold --kind projection --name board --source domain/orders',
    },
  ];
  static override flags = {
    kind: string({ summary: 'What it is, such as domain.', helpValue: 'KIND' }),
    name: string({ summary: 'What it is called, such as orders.', helpValue: 'NAME' }),
    'gitops-pr': boolean({ summary: 'Then ask the GitOps repository for its wiring as v1.' }),
    ...updateFlags,
    restore: boolean({ summary: 'Write files again that were deleted or renamed since.' }),
    ...effectFlags,
    ...reportFlags(),
    ...eventFlags,
  };

  static override inputs = async () =>
    (await import('../features/scaffold/built-in-inputs.ts')).builtInInputs();

  async run(): Promise<ExitCode> {
    const known = { ...baseFlags, ...Scaffold.flags };
    const { rest, inputs } = splitInputs(this.argv, known);
    const { flags } = await this.parse(Scaffold, rest);
    const { kind, name, restore, update, 'dry-run': dryRun } = flags;
    const slip = misspeltFlag('scaffold', inputs, known);
    if (slip && !(kind && name)) throw slip;
    return this.act(flags, async (app) => {
      const { runScaffold, runUpdateAll } = await import('../features/scaffold/run.ts');
      const { scaffoldOutcome, updateOutcome } = await import('../features/scaffold/view.ts');
      const place = { root: (await app.workspace()).location.root, cwd: app.cwd };
      if (flags.all) return updateOutcome(await runUpdateAll({ inputs, dryRun }, app), place);
      const proposal = flags['gitops-pr'] ? import('../features/gitops-scaffold/propose.ts') : undefined;
      const propose = await (await proposal)?.openProposal(app, dryRun);
      const request = { kind, name, inputs, restore, update, dryRun };
      const document = await runScaffold(request, app).catch(rethrow(slip));
      const outcome = scaffoldOutcome(document, place);
      if (propose === undefined || outcome.exit !== 0) return outcome;
      return nestOutcome(outcome, 'gitops', await propose(document));
    });
  }
}
