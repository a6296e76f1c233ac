import { allKinds, ownKinds } from '../../kinds/kind.ts';
import { isScaffolded } from '../../kinds/template.ts';

/** The inputs of each built-in kind, as flags of scaffold: for help, which reads no repository. */
export async function builtInInputs() {
  const kinds = await allKinds(await ownKinds());
  return kinds.filter(isScaffolded).map(({ kind, inputs = {} }) => ({
    kind,
    inputs: Object.entries(inputs).map(([name, { type, help, required = false }]) => ({
      name: `--${name}`,
      type,
      help,
      required,
    })),
  }));
}
