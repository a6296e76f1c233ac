import { posix } from 'node:path';
import type { PrimitivePorts } from '../../repository/component.ts';
import type { Workspace } from '../../repository/config.ts';
import { pathBelow } from '../../repository/discovery.ts';
import { MANIFEST, PRIMITIVES } from '../../repository/primitive-folders.ts';
import { readPrimitives } from '../../repository/primitives.ts';
import { deployedAs } from '../../repository/workload.ts';

/** Ports to read the `primitive.yaml` that the wiring is asked for. */
export interface WorkloadPorts {
  workspace(): Promise<Workspace>;
  kinds(): Promise<PrimitivePorts['kinds']>;
  workTree(): Promise<{
    readonly root: string;
    read(path: string): Promise<Uint8Array | undefined>;
  }>;
}

/**
 * The processes and settings that a primitive of this checkout has of its own, as JSON for the workflow; undefined if it is
 * not here or leaves them to its kind. Throws `primitive-…` (exit 2, with line) if its `primitive.yaml` is invalid.
 */
export async function workloadInput(
  ports: WorkloadPorts,
  { kind, name }: { readonly kind: string | undefined; readonly name: string | undefined },
): Promise<string | undefined> {
  const { location, config } = await ports.workspace();
  const tree = await ports.workTree().catch(() => undefined);
  const base = tree && pathBelow(tree.root, location.root);
  if (tree === undefined || base === undefined || kind === undefined || name === undefined) return undefined;
  const path = posix.join(base, PRIMITIVES, kind, name);
  const bytes = await tree.read(`${path}/${MANIFEST}`);
  if (bytes === undefined) return undefined;
  const texts = new Map([[path, new TextDecoder().decode(bytes)]]);
  const [read] = await readPrimitives(texts, { location, config, kinds: await ports.kinds(), base });
  if (read?.fault !== undefined) throw read.fault;
  const { suites: _, ...workload } = read?.manifest?.workload ?? {};
  if (Object.keys(workload).length === 0) return undefined;
  const deployed = deployedAs(workload);
  // The kind says that there is one.
  const serve = Object.hasOwn(deployed.processes, 'serve') ? {} : { serve: { enabled: false } };
  return JSON.stringify({ ...deployed, processes: { ...serve, ...deployed.processes } });
}
