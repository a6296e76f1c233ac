import { ownKinds } from '../../kinds/kind.ts';
import type { Taken } from '../../plugins/clash.ts';

/** The names that no plugin can have: of all commands and families of rules of this program, and of its kinds. */
export async function takenNames(commandIds: readonly string[], families: readonly string[]): Promise<Taken> {
  const { names } = await ownKinds();
  const words = commandIds.map((id) => id.split(':')[0] ?? id);
  return { words: [...new Set([...words, 'help'])], families, kinds: names };
}
