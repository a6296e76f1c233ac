import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Digest } from '../core/digest.ts';
import type { TemplateRecord } from '../repository/provenance.ts';
import { lookBelow } from '../repository/safe-path.ts';
import type { Fault } from '../yaml/fault.ts';
import { parseYaml } from '../yaml/read.ts';
import { AdvisoriesFile } from './advisories-document.ts';
import { type Kind, refuseLinks } from './kind.ts';
import { packageOf } from './origin.ts';
import { digestsOfKind } from './template.ts';

/** A fault of a template. */
export type Advisory = AdvisoriesFile['advisories'][number];

/** An advisory that a primitive is affected by, or of which that is not known. */
export interface JudgedAdvisory {
  readonly id: string;
  readonly severity: Advisory['severity'];
  readonly summary: string;
  readonly url?: string | undefined;
  readonly state: 'affected' | 'unknown';
  /** The template files that make it so, sorted. */
  readonly files: readonly string[];
}

const FILE = 'advisories.json';

/**
 * The advisories of a kind, from the `advisories.json` beside it; empty if there is none.
 *
 * Throws `kind-syntax`, `kind-unknown-key` and `kind-invalid` (exit 2, with line and column).
 */
export function advisoriesOf(kind: Kind): Promise<readonly Advisory[]> {
  const found = known.get(kind) ?? readAdvisories(kind);
  known.set(kind, found);
  return found;
}

const known = new WeakMap<Kind, Promise<readonly Advisory[]>>();

async function readAdvisories({ folder, kind }: Kind): Promise<readonly Advisory[]> {
  const kinds = dirname(folder);
  await refuseLinks(kinds, [`${basename(kinds)}/${FILE}`]);
  if ((await lookBelow(kinds, FILE)).type !== 'file') return [];
  const text = await readFile(join(kinds, FILE), 'utf8');
  const document = await parseYaml({ text, shown: FILE, subject: 'kind' }, AdvisoriesFile);
  const { advisories } = document.value;
  const faults = advisories.flatMap(({ id }, i): Fault[] =>
    advisories.findIndex((other) => other.id === id) === i
      ? []
      : [{ path: ['advisories', i, 'id'], message: `two advisories are called ${id}` }],
  );
  if (faults.length > 0) throw document.refusal(faults);
  return advisories.filter((advisory) => advisory.kind === kind);
}

/** The advisories that concern a primitive, by what its `primitive.yaml` records; sorted by id. Throws as {@link advisoriesOf}. */
export async function judgeAdvisories(
  kind: Kind,
  provenance: TemplateRecord | undefined,
): Promise<readonly JudgedAdvisory[]> {
  // Text of a person is not from a template.
  if (provenance === undefined) return [];
  const advisories = await advisoriesOf(kind);
  if (advisories.length === 0) return [];
  const latest = await digestsOfKind(kind);
  const { lt } = await import('semver');
  return advisories
    .flatMap(({ id, severity, summary, url, fixedIn, files }): JudgedAdvisory[] => {
      const isLater = isFrom(kind, fixedIn, provenance, lt);
      const states = files.map((file) => ({
        path: file.path,
        state: stateOf(file, provenance, latest, isLater),
      }));
      const state = (['affected', 'unknown'] as const).find((one) =>
        states.some((file) => file.state === one),
      );
      if (state === undefined) return [];
      const paths = states.filter((file) => file.state === state).map(({ path }) => path);
      return [{ id, severity, summary, ...(url !== undefined && { url }), state, files: paths.sort() }];
    })
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** By the digest of the template file that a primitive has; one that nobody knows is not taken for a good one. */
function stateOf(
  { path, affected, fixed }: Advisory['files'][number],
  { sources, omitted = [] }: TemplateRecord,
  latest: ReadonlyMap<string, Digest>,
  isLater: boolean,
): 'affected' | 'unknown' | 'fixed' {
  if (sources === undefined || omitted.includes(path)) return 'unknown';
  const own = sources.get(path);
  const current = latest.get(path);
  if (own === undefined) return current === undefined ? 'fixed' : 'unknown';
  if (own === fixed) return 'fixed';
  if (affected?.includes(own)) return 'affected';
  // The package has the advisory, so what it writes today was made with it in mind.
  if (own === current && fixed !== null) return 'fixed';
  if (affected === undefined) return 'affected';
  return isLater && fixed !== null ? 'fixed' : 'unknown';
}

/** Whether all that a primitive has of a template came from the version that corrected it, or later ones. */
function isFrom(
  kind: Kind,
  fixedIn: string | undefined,
  { origins = [] }: TemplateRecord,
  isLower: (one: string, other: string) => boolean,
): boolean {
  const name = packageOf(kind);
  return (
    fixedIn !== undefined &&
    origins.length > 0 &&
    origins.every((origin) => origin.package === name && !isLower(origin.version, fixedIn))
  );
}
