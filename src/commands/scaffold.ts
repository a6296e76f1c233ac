import { boolean, string } from '@oclif/core/flags';
import { BaseCommand } from '../cli/base-command.ts';
import { baseFlags, effectFlags, eventFlags, reportFlags, updateFlags } from '../cli/flags.ts';
import { misspeltFlag, rethrow, splitInputs } from '../cli/inputs.ts';
import type { ExitCode } from '../core/errors.ts';
import { nestOutcome } from '../render/outcome.ts';

export default class Scaffold extends BaseCommand {
  static override documents = ['primitive.scaffold-plan/v1', 'primitive.scaffold-update/v1'];
  static override docs = 'kinds.md';
  static override summary = 'Create a primitive, or update one from its template.';
  static override description = [
    'Creates missing files and regenerates generated ones; files that people edited or deleted stay as they are.',
    'Writes all files or none, to primitives/<kind>/<name>; no manifests, charts or values.',
    'Inputs of a kind are flags; omit --kind and --name to list the kinds and their inputs.',
  ].join(' ');
  static override examples = [
    { description: 'A new primitive', command: '<%= config.bin %> scaffold --kind domain --name orders' },
    { description: 'Update all primitives', command: '<%= config.bin %> scaffold --update --all' },
    {
      description: 'Consume the events of a domain',
      command: '<%= config.bin %> scaffold --kind projection --name board --source domain/orders',
    },
  ];
  static override flags = {
    kind: string({ summary: 'Kind of the primitive, such as domain.', helpValue: 'KIND' }),
    name: string({ summary: 'Name of the primitive, such as orders.', helpValue: 'NAME' }),
    'gitops-pr': boolean({ summary: 'Then request its wiring, version v1, in the GitOps repository.' }),
    ...updateFlags,
    restore: boolean({ summary: 'Restore files that were deleted or renamed.' }),
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
    const { kind, name, restore, update, diff, 'dry-run': dryRun } = flags;
    const slip = misspeltFlag('scaffold', inputs, known);
    if (slip && !(kind && name)) throw slip;
    return this.act(flags, async (app) => {
      const { runScaffold, runUpdateAll } = await import('../features/scaffold/run.ts');
      const { scaffoldOutcome, updateOutcome } = await import('../features/scaffold/view.ts');
      const place = { root: (await app.workspace()).location.root, cwd: app.cwd };
      if (flags.all) return updateOutcome(await runUpdateAll({ inputs, diff, dryRun }, app), place);
      const proposal = flags['gitops-pr'] ? import('../features/gitops-scaffold/propose.ts') : undefined;
      const propose = await (await proposal)?.openProposal(app, dryRun);
      const request = { kind, name, inputs, restore, update, diff, dryRun };
      const document = await runScaffold(request, app).catch(rethrow(slip));
      const outcome = scaffoldOutcome(document, place);
      if (propose === undefined || outcome.exit !== 0) return outcome;
      return nestOutcome(outcome, 'gitops', await propose(document));
    });
  }
}
