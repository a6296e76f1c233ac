import { posix } from 'node:path';
import { errorLine, type PrimitiveError } from '../../core/errors.ts';
import { findingText, Refusal } from '../../core/finding.ts';
import type { Kind, Kinds } from '../../kinds/kind.ts';
import { isRead, languageOfRunner } from '../../languages/all.ts';
import type { Workspace } from '../../repository/config.ts';
import { MANIFEST } from '../../repository/primitive-folders.ts';
import { readPrimitives as readManifests } from '../../repository/primitives.ts';
import type { PrimitiveManifest } from '../../repository/provenance.ts';
import type { Primitive } from './subjects.ts';
import type { WorkTree } from './work-tree.ts';

/** A workspace, and what its primitives are read with. */
export interface PrimitiveSource extends Workspace {
  readonly kinds: Kinds;
  /** The folder of the config, relative to the root of the repository; '' for the root. */
  readonly base: string;
}

/**
 * Every folder `primitives/<kind>/<name>` with files in it, sorted by id. What is wrong with one is part of it and
 * hides no other.
 */
export async function readPrimitives(tree: WorkTree, source: PrimitiveSource): Promise<readonly Primitive[]> {
  const folder = posix.join(source.base, 'primitives');
  const start = `${folder}/`;
  const files = new Map<string, string[]>();
  for (const path of await tree.list()) {
    const kindEnd = path.startsWith(start) ? path.indexOf('/', start.length) : -1;
    const end = kindEnd < 0 ? -1 : path.indexOf('/', kindEnd + 1);
    if (end < 0) continue;
    const id = path.slice(start.length, end);
    const known = files.get(id);
    if (known === undefined) files.set(id, [path.slice(end + 1)]);
    else known.push(path.slice(end + 1));
  }
  const texts = await Promise.all(
    [...files.keys()].map(async (id) => {
      const bytes = await tree.read(`${folder}/${id}/${MANIFEST}`);
      return [`${folder}/${id}`, bytes && new TextDecoder().decode(bytes)] as const;
    }),
  );
  const read = await readManifests(new Map(texts), source);
  return Promise.all(
    read.map(async ({ id, kind, path, manifest, component, fault }) => ({
      id,
      path,
      kind: withWorkload(await source.kinds.get(kind), component && manifest),
      manifest: component && manifest,
      component,
      faults: fault === undefined ? [] : faultsOf(fault),
      files: files.get(id) ?? [],
    })),
  );
}

/** The kind of a primitive, with the suites that the primitive names where the kind has none. */
function withWorkload(kind: Kind | undefined, manifest: PrimitiveManifest | undefined): Kind | undefined {
  const [suite] = manifest?.workload.suites ?? [];
  if (kind === undefined || suite === undefined) return kind;
  const language = languageOfRunner(suite.runner);
  return { ...kind, ...manifest?.workload, language: isRead(language) ? language : 'other' };
}

function faultsOf(error: PrimitiveError): Primitive['faults'] {
  // A parser may report one place many times.
  if (error instanceof Refusal)
    return [...new Map(error.findings.map((one) => [findingText(one), one])).values()];
  return [{ message: errorLine(error) }];
}
