import { PrimitiveError } from '../../core/errors.ts';
import { compareFindings } from '../../core/finding.ts';
import { optional } from '../../core/object.ts';
import {
  fileInLane,
  type GitopsComponent,
  laneBefore,
  laneFile,
  readComponents,
} from '../../gitops/components.ts';
import { KIT_FILE, parseKit, postgresOf } from '../../gitops/kit.ts';
import type { Kit } from '../../gitops/kit-document.ts';
import {
  type OpenSource,
  openReleases,
  type RefVerdict,
  type Releases,
  referenceOf,
} from '../../gitops/releases.ts';
import type { GitopsRepository, GitopsTree } from '../../gitops/tree.ts';
import { valueAt } from '../../gitops/values.ts';
import { parseDockerReference } from '../../oci/reference.ts';
import { requireRoot } from '../../repository/discovery.ts';
import { collectRendered, collectValues, type FoundRef, isDesired } from './collect.ts';
import type { CheckFinding, GitopsCheckDocument } from './document.ts';

/** `gitops check`. */
export interface CheckRequest {
  /** Revision that changes are counted from; without it everything is judged. */
  readonly base: string | undefined;
  /** Folder with renders, relative to the root: `<lane>/<component>.yaml`. */
  readonly rendered: string | undefined;
}

export interface CheckPorts {
  /** Absolute, links resolved. */
  readonly cwd: string;
  gitops(root: string): Promise<GitopsRepository>;
  sources(tree: GitopsTree): OpenSource;
  /** Texts of the YAML files below a folder, by path relative to the root. Throws `rendered-missing` (exit 2). */
  filesBelow(root: string, folder: string): Promise<ReadonlyMap<string, string>>;
}

/** The revision that changes are compared with. */
interface Base {
  readonly commit: string;
  /** Each reference as `path key`, with its value. */
  readonly values: ReadonlyMap<string, string>;
  /** Each reference as `lane value`; of all lanes without a lane. */
  readonly held: ReadonlySet<string>;
}

interface Facts {
  readonly kit: Kit;
  readonly repository: GitopsRepository;
  readonly releases: Releases;
  readonly base: Base | undefined;
}

/**
 * Judges the image references of a GitOps repository: each is of a release that a trusted signer has sealed, or of an
 * image that kit.yaml allows; none skips a lane. With a base it judges what changed since, by the kit.yaml and the keys
 * of the base: what a pull request changes in them judges nothing of it.
 *
 * Throws, exit 2: `kit-not-found`, `component-invalid`, `revision-unknown`, `revision-shallow`, `rendered-missing`; what
 * `parseKit`, registries and trust roots throw. No answer of a registry is no verdict.
 */
export async function checkGitops(request: CheckRequest, ports: CheckPorts): Promise<GitopsCheckDocument> {
  const root = await requireRoot(ports.cwd, 'gitops check');
  const repository = await ports.gitops(root);
  const tree = repository.workTree;
  const base = request.base === undefined ? undefined : await readBase(request.base, repository);
  const policyTree = base === undefined ? tree : repository.at(base.commit);
  const text = (await policyTree.read([KIT_FILE])).get(KIT_FILE);
  if (text === undefined) throw noKit(base?.commit);
  const kit = await parseKit(text);
  const facts: Facts = { kit, repository, base, releases: openReleases(kit, ports.sources(policyTree)) };
  const texts = await tree.read((await tree.list()).filter(isDesired));
  const rendered =
    request.rendered === undefined ? new Map() : await ports.filesBelow(root, request.rendered);
  const values = collectValues(texts, request.rendered !== undefined);
  const renders = collectRendered(
    rendered,
    lanesOf(kit).map(({ name }) => name),
  );
  const refs = [...values.refs, ...renders.refs];
  const filled = refs.filter(({ value }) => value !== '');
  const changed = filled.filter((ref) => !isUnchanged(ref, base));
  const components = await readComponents(tree, kit);
  const findings = [
    ...values.findings,
    ...renders.findings,
    ...(await judgeAll(changed, facts)),
    ...(await tornGroups(changed, components, texts, facts)),
  ];
  const unchecked = [...values.unchecked, ...renders.unchecked];
  return {
    schema: 'primitive.gitops-check/v1',
    base: base?.commit ?? null,
    verdict: findings.length > 0 ? 'failed' : unchecked.length > 0 ? 'partial' : 'passed',
    account: {
      files: texts.size + rendered.size,
      references: refs.length,
      judged: changed.length,
      unchanged: filled.length - changed.length,
      empty: refs.length - filled.length,
    },
    unchecked,
    findings: findings.sort(compareFindings),
  };
}

async function readBase(revision: string, repository: GitopsRepository): Promise<Base> {
  const [named, head] = [await repository.commit(revision, 'history'), await repository.commit('HEAD')];
  const commit = await repository.mergeBase(named, head);
  const tree = repository.at(commit);
  const texts = await tree.read((await tree.list()).filter(isDesired));
  const { refs } = collectValues(texts, true);
  return {
    commit,
    values: new Map(refs.map((ref) => [keyOf(ref), ref.value])),
    held: new Set(refs.map(({ lane = '', value }) => `${lane} ${value}`)),
  };
}

function keyOf({ path, at = [] }: Pick<FoundRef, 'path' | 'at'>): string {
  return `${path} ${at.join('.')}`;
}

/** Of values: the same scalar holds the same. Of renders: values of the lane, or of all lanes, hold it in the base. */
function isUnchanged({ path, at, lane, value }: FoundRef, base: Base | undefined): boolean {
  if (base === undefined) return false;
  if (at !== undefined) return base.values.get(keyOf({ path, at })) === value;
  return base.held.has(`${lane} ${value}`) || base.held.has(` ${value}`);
}

async function judgeAll(refs: readonly FoundRef[], facts: Facts): Promise<readonly CheckFinding[]> {
  const findings: CheckFinding[] = [];
  for (const ref of refs) {
    const verdict = await facts.releases.judge(ref.value);
    findings.push(...sealFindings(ref, verdict, facts.kit), ...(await stepFindings(ref, verdict, facts)));
  }
  return findings;
}

/** With previews, which deploy what a pull request has published, by its commit. */
function lanesOf({ lanes }: Kit): readonly Pick<Kit['lanes'][number], 'name' | 'digest' | 'signers'>[] {
  return [...lanes, { name: 'preview', digest: false, signers: 'accepted' }];
}

function isDatabase(image: string, kit: Kit): boolean {
  const reference = referenceOf(image);
  return reference?.digest !== undefined && reference.repository === postgresOf(kit).repository;
}

function sealFindings(ref: FoundRef, verdict: RefVerdict, kit: Kit): readonly CheckFinding[] {
  const lane = lanesOf(kit).find(({ name }) => name === ref.lane);
  // The database of a preview is no value of anybody's: kit.yaml names its image.
  if (ref.lane === 'preview' && isDatabase(ref.value, kit)) return [];
  if (verdict.state === 'rejected') {
    // A lane may say that it runs what has no digest, such as an image of a developer's machine.
    if (verdict.digestless && lane?.digest === false) return [];
    const rule = verdict.digestless ? 'IMG001' : 'SRC001';
    return [findingAt(ref, rule, `${ref.value} may not be deployed: ${verdict.reason}`)];
  }
  if (verdict.state === 'allowed' || verdict.tier === 'trusted' || lane?.signers === 'accepted') return [];
  const takes = `${ref.lane ?? 'all lanes'} takes releases of trusted signers`;
  return [findingAt(ref, 'SRC002', `${ref.value} is released by an accepted signer alone: ${takes}`)];
}

/** Of values alone: a render shows what its values say. */
async function stepFindings(
  ref: FoundRef,
  verdict: RefVerdict,
  { kit, repository, base }: Facts,
): Promise<readonly CheckFinding[]> {
  const { at, lane } = ref;
  if (verdict.state !== 'released' || at === undefined) return [];
  if (lane === undefined)
    return [findingAt(ref, 'PRM002', 'A release is set for all lanes at once: set it in a lane')];
  const before = laneBefore(kit, lane);
  if (before === undefined) return [];
  const commit = base?.commit ?? (await repository.commit('HEAD', 'history'));
  const earlier = fileInLane(ref.path, before);
  for (const path of [earlier, ref.path]) {
    const past = await repository.pastTexts(commit, path);
    if (past.some((text) => valueAt(text, at) === ref.value)) return [];
  }
  return [findingAt(ref, 'PRM001', `${before} has never held ${ref.value}`)];
}

/** Members of a lockstep group hold the images of one release in each lane that a member changed in. */
async function tornGroups(
  changed: readonly FoundRef[],
  components: readonly GitopsComponent[],
  texts: ReadonlyMap<string, string>,
  { kit, releases }: Facts,
): Promise<readonly CheckFinding[]> {
  const findings: CheckFinding[] = [];
  for (const group of kit.lockstep ?? []) {
    const members = components.filter(({ name }) => group.includes(name));
    for (const { name: lane } of kit.lanes) {
      const files = members.map((member) => laneFile(member, lane));
      const moved = changed.find(({ path, at }) => at !== undefined && files.includes(path));
      if (moved === undefined) continue;
      const tag = tagOf(moved.value);
      for (const member of members) {
        for (const { path: at, image } of member.refs) {
          const path = laneFile(member, lane);
          const value = valueAt(texts.get(path), at);
          const wanted = await digestIn(tag, image, kit, releases);
          if (value !== undefined && wanted !== undefined && value.endsWith(`@${wanted}`)) continue;
          const message = `${member.name} stays behind ${group.filter((other) => other !== member.name).join(', ')} in ${lane}`;
          findings.push({ rule: 'LCK001', message, path });
        }
      }
    }
  }
  return findings;
}

function tagOf(reference: string): string {
  try {
    return parseDockerReference(reference).tag ?? '';
  } catch {
    return '';
  }
}

/** The digest of an image in the release of a commit, in whichever source lists it. */
async function digestIn(
  commit: string,
  image: string,
  { sources = [] }: Kit,
  releases: Releases,
): Promise<string | undefined> {
  if (commit === '') return undefined;
  for (const source of sources) {
    const state = await releases.record(source, commit);
    if (state.state !== 'found') continue;
    const found = state.record.components.find(
      (component) => component.image === `${source.registry}/${image}`,
    );
    if (found !== undefined) return found.digest;
  }
  return undefined;
}

function findingAt(
  { path, line }: Pick<FoundRef, 'path' | 'line'>,
  rule: CheckFinding['rule'],
  message: string,
): CheckFinding {
  return { rule, message, path, ...optional('line', line) };
}

function noKit(commit: string | undefined): PrimitiveError {
  return new PrimitiveError(
    'kit-not-found',
    `${KIT_FILE} not found${commit === undefined ? '' : ` in ${commit}`}.`,
    {
      why: 'It defines the repositories whose releases may be deployed, and their signers.',
      suggestions: ['primitive gitops init'],
    },
  );
}
