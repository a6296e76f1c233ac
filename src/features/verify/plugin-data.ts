import type { Kinds } from '../../kinds/kind.ts';
import type { PrimitiveData } from '../../plugins/api.ts';
import type { Workspace } from '../../repository/config.ts';
import { pathBelow } from '../../repository/discovery.ts';
import { readPrimitives } from './primitives.ts';
import type { Primitive } from './subjects.ts';
import type { WorkTree } from './work-tree.ts';

/** Ports for reading the primitives of the work tree. */
export interface PrimitiveDataPorts {
  workspace(): Promise<Workspace>;
  kinds(): Promise<Kinds>;
  workTree(): Promise<WorkTree>;
}

/** The primitives of the work tree as plugins see them, sorted by id. Throws what the ports throw. */
export async function readPrimitiveData(ports: PrimitiveDataPorts): Promise<readonly PrimitiveData[]> {
  const [workspace, kinds, tree] = await Promise.all([ports.workspace(), ports.kinds(), ports.workTree()]);
  const base = pathBelow(tree.root, workspace.location.root) ?? '';
  const primitives = await readPrimitives(tree, { ...workspace, kinds, base });
  return primitives.map(primitiveData);
}

export function primitiveData({ id, path, kind, files }: Primitive): PrimitiveData {
  const [kindName = '', name = ''] = id.split('/');
  return { id, kind: kindName, name, path, language: kind?.language, files };
}
