import { BaseCommand } from '../cli/base-command.ts';
import { reportFlags, selectionArgs, selectionFlags, selectionOf } from '../cli/flags.ts';
import type { ExitCode } from '../errors.ts';

export default class List extends BaseCommand {
  static override summary = 'List the primitives of HEAD with kind, template, image and input digest.';
  static override args = selectionArgs;
  static override flags = { ...selectionFlags, ...reportFlags() };

  async run(): Promise<ExitCode> {
    const { args, flags } = await this.parse(List);
    return this.act(flags, async ({ wiring, environment }) => {
      const [{ readInputs }, { selectComponents }, { inventoryOf, inventoryText }] = await Promise.all([
        import('../workspace/inputs.ts'),
        import('../workspace/selection.ts'),
        import('../render/inventory.ts'),
      ]);
      const [tree, { location }, components, kinds] = await Promise.all([
        wiring.repository(),
        wiring.workspace(),
        wiring.components(),
        wiring.kinds(),
      ]);
      const place = { cwd: environment.cwd, repositoryRoot: tree.root };
      const selected = selectComponents(components, selectionOf(flags, args), place);
      const inputs = await readInputs(tree, selected, location);
      const inventory = inventoryOf(tree.head.commit, inputs, kinds);
      return { document: inventory, text: (style) => inventoryText(inventory, style), exit: 0 };
    });
  }
}
