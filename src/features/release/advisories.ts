import { posix } from 'node:path';
import { PrimitiveError } from '../../core/errors.ts';
import { judgeAdvisories } from '../../kinds/advisories.ts';
import { type ReportedAdvisory, reportedAdvisory } from '../../kinds/advisory-report.ts';
import type { Kinds } from '../../kinds/kind.ts';
import { type ConfigLocation, pathBelow } from '../../repository/discovery.ts';
import { MANIFEST, PRIMITIVES } from '../../repository/primitive-folders.ts';
import { readManifest } from '../../repository/provenance.ts';
import type { ReleaseRecord } from '../../seal/types.ts';

export interface PastCommit {
  readonly root: string;
  read(path: string): Promise<Uint8Array | undefined>;
}

/** Ports to say which advisories concern the images of a release. */
export interface AdvisoryPorts {
  workspace(): Promise<{ readonly location: Pick<ConfigLocation, 'root'> }>;
  kinds(): Promise<Kinds>;
  /** Throws `revision-unknown` (exit 2) for a commit that is not in this clone. */
  workTree(): Promise<{ at(revision: string): Promise<PastCommit> }>;
}

/**
 * The advisories of each component of a record, by `kind/name`; no entry for one of which that is not known.
 *
 * The record names the commit that its images were built from, and that commit has what each was scaffolded from. Advisories
 * are those of now: they are written after the release.
 */
export async function releaseAdvisories(
  { commit, components }: ReleaseRecord,
  ports: AdvisoryPorts,
): Promise<ReadonlyMap<string, readonly ReportedAdvisory[]>> {
  const found = new Map<string, readonly ReportedAdvisory[]>();
  const past = await pastCommit(commit, ports);
  if (past === undefined) return found;
  const [kinds, { location }] = await Promise.all([ports.kinds(), ports.workspace()]);
  const base = pathBelow(past.root, location.root) ?? '';
  for (const { kind: name, name: primitive } of components) {
    const kind = await kinds.get(name);
    const path = posix.join(base, PRIMITIVES, name, primitive, MANIFEST);
    const bytes = await past.read(path);
    if (kind === undefined || bytes === undefined) continue;
    const manifest = await readManifest(new TextDecoder().decode(bytes), path).catch(refused);
    if (manifest === undefined) continue;
    const judged = await judgeAdvisories(kind, manifest.provenance);
    found.set(`${name}/${primitive}`, judged.map(reportedAdvisory));
  }
  return found;
}

async function pastCommit(commit: string, { workTree }: AdvisoryPorts): Promise<PastCommit | undefined> {
  try {
    return await (await workTree()).at(commit);
  } catch (error) {
    return refused(error);
  }
}

function refused(error: unknown): undefined {
  if (error instanceof PrimitiveError && error.exit === 2) return undefined;
  throw error;
}
