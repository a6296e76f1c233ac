import type { Emit } from '../../core/events.ts';
import { type Finding, findingText } from '../../core/finding.ts';
import { optional } from '../../core/object.ts';
import { type Kinds, protoCopy } from '../../kinds/kind.ts';
import type { Workspace } from '../../repository/config.ts';
import { type Selection, selectComponents } from '../../repository/selection.ts';
import { generateCompose } from './compose.ts';
import { type GeneratorPorts, generatorContext } from './context.ts';
import type { GenerateDocument } from './document.ts';
import { followSource } from './follow.ts';
import { type Generated, generate } from './generate.ts';
import { readOnDisk } from './on-disk.ts';
import { originalWarning } from './original.ts';

export interface GenerateRequest {
  readonly selection: Selection;
  /** Compare only. */
  readonly check: boolean;
  /** Write a compose file if there is none yet. */
  readonly compose: boolean;
}

export interface GeneratePorts extends GeneratorPorts {
  workspace(): Promise<Workspace>;
  kinds(): Promise<Kinds>;
  /** Base of relative paths in the selection; absolute, links resolved. */
  readonly cwd: string;
  readonly emit: Emit;
}

/**
 * Runs the generators of all selected primitives of the work tree, committed or not, one after the other: they share
 * caches and tools. Then the compose file of all primitives is made, if there is one or one is wanted. A copy of another primitive's proto file is made again first. Throws `selection-…`, `primitive-…` for a
 * selected one that cannot be read (exit 2), and what {@link generate} throws.
 */
export async function runGenerate(
  { selection, check, compose: wanted }: GenerateRequest,
  ports: GeneratePorts,
): Promise<GenerateDocument> {
  const { cwd, emit } = ports;
  const [context, workspace, kinds] = await Promise.all([
    generatorContext(ports),
    ports.workspace(),
    ports.kinds(),
  ]);
  const { root } = context;
  const onDisk = await readOnDisk({ ...workspace, kinds });
  const selected = selectComponents(onDisk, selection, { cwd, repositoryRoot: root });
  for (const { manifest, fault } of selected) if (manifest === undefined && fault !== undefined) throw fault;
  const generated: Generated[] = [];
  const warn = (finding: Finding) =>
    emit({ type: 'warning', code: finding.rule, message: findingText(finding) });
  for (const primitive of selected) {
    const { id: item } = primitive;
    emit({ type: 'item', item, status: 'active', state: check ? 'comparing' : 'generating' });
    const followed = check ? { primitive, changes: [] } : await followSource(primitive, root, ports.signal);
    const warning = await originalWarning(followed.primitive, root);
    if (warning !== undefined) warn(warning);
    const made = await generate(followed.primitive, { ...context, check, warn });
    const copy = protoCopy(primitive.template);
    const reader = primitive.template.generators?.find(({ reads }) => reads.includes(copy ?? ''))?.id;
    for (const one of made)
      generated.push(
        one.generator === reader ? { ...one, changes: [...followed.changes, ...one.changes] } : one,
      );
    emit({ type: 'item', item, status: 'done', state: check ? 'compared' : 'generated' });
  }
  // Files of generators may have changed what primitives say of themselves.
  const now = check ? onDisk : await readOnDisk({ ...workspace, kinds });
  const compose = await generateCompose(now, { root, wanted, check, signal: ports.signal });
  return { schema: 'primitive.generate/v1', generated, ...optional('compose', compose), written: !check };
}
