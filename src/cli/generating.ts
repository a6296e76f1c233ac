import { realpath } from 'node:fs/promises';
import type { Generated } from '../features/generate/generate.ts';
import type { Outcome } from '../render/outcome.ts';
import type { Selection } from '../workspace/selection.ts';
import type { Session } from './session.ts';

/** Runs the generators of all selected primitives, one after the other: they share caches and tools. */
export async function runGenerate(
  { wiring, environment, signal }: Session,
  { selection, check }: { readonly selection: Selection; readonly check: boolean },
): Promise<Outcome> {
  const [{ generate }, { readOnDisk }, { selectComponents }, { generateText }] = await Promise.all([
    import('../features/generate/generate.ts'),
    import('../features/generate/on-disk.ts'),
    import('../workspace/selection.ts'),
    import('../features/generate/view.ts'),
  ]);
  const [{ location }, kinds, processes] = await Promise.all([
    wiring.workspace(),
    wiring.kinds(),
    wiring.processes(),
  ]);
  const { root } = location;
  const primitives = (await readOnDisk(root, kinds)).map((one) => ({ ...one, kind: one.kind.kind, of: one }));
  const place = { cwd: await realpath(environment.cwd), repositoryRoot: root };
  const generated: Generated[] = [];
  for (const { of } of selectComponents(primitives, selection, place)) {
    const { variables, platform } = environment;
    generated.push(
      ...(await generate(of, { root, processes, path: variables.PATH, platform, signal, check })),
    );
  }
  const document = { schema: 'primitive.generate/v1', generated, written: !check } as const;
  const differs = check && generated.some(({ changes }) => changes.length > 0);
  return { document, text: (style) => generateText(document, style), exit: differs ? 1 : 0 };
}
