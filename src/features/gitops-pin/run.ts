import { join } from 'node:path';
import { digestOf } from '../../core/digest.ts';
import { PrimitiveError } from '../../core/errors.ts';
import { type Finding, refusal } from '../../core/finding.ts';
import { isSame, releasedBy } from '../../gitops/code-repositories.ts';
import { type GitopsComponent, laneBefore, laneFile, readComponents } from '../../gitops/components.ts';
import { type EditPlan, planEdits, type WantedRef } from '../../gitops/edit.ts';
import { KIT_FILE, parseKit } from '../../gitops/kit.ts';
import type { Kit } from '../../gitops/kit-document.ts';
import { type OpenSource, openReleases, type Releases } from '../../gitops/releases.ts';
import type { GitopsRepository, GitopsTree } from '../../gitops/tree.ts';
import { hasScalar, valueAt } from '../../gitops/values.ts';
import { requireRoot } from '../../repository/discovery.ts';
import { applyChanges } from '../../repository/transaction.ts';
import { describeSigner } from '../../seal/trust.ts';
import type { YamlPath } from '../../yaml/fault.ts';
import type { GitopsPinDocument } from './document.ts';
import {
  checkStep,
  checkTier,
  noKit,
  refuseFaults,
  refuseTornGroups,
  sourceOf,
  unknown,
} from './refusals.ts';

/** The request of both commands. */
interface LaneRequest {
  readonly lane: string;
  /** Names of components; empty for all. */
  readonly components: readonly string[];
  /** Without it the plan is the result. */
  readonly write: boolean;
}

/** `gitops pin`. */
export interface PinRequest extends LaneRequest {
  /** A commit, or the tag of a channel such as `main`. */
  readonly release: string;
  /** Code repository; may be absent if kit.yaml has one source. */
  readonly source: string | undefined;
}

/** `gitops promote`: from the lane before, or back to what the lane held at a commit. */
export interface PromoteRequest extends LaneRequest {
  readonly origin: { readonly from: string } | { readonly rollback: string };
}

/** Ports of both commands. */
export interface PinPorts {
  /** Absolute, links resolved. */
  readonly cwd: string;
  gitops(root: string): Promise<GitopsRepository>;
  /** Verifier of the releases of sources, with the keys of `tree`. */
  sources(tree: GitopsTree): OpenSource;
  readonly signal: AbortSignal;
}

/** The template of the generator for values of a lane. */
const LANE_TEMPLATE = '.github/primitive/templates/env-values.yaml';

interface Facts {
  readonly repository: GitopsRepository;
  readonly kit: Kit;
  /** Those that are asked for. */
  readonly components: readonly GitopsComponent[];
  readonly releases: Releases;
  /** Values of all of them in the lane. */
  readonly texts: ReadonlyMap<string, string>;
  readonly template: string | undefined;
}

/**
 * Sets the references of a lane to those of a release, which is read from the registry and verified.
 *
 * Throws, exit 2: `kit-not-found`, `lane-unknown`, `component-unknown`, `component-invalid`, `source-unknown`,
 * `release-rejected`, `lane-skipped`, `lockstep-torn`, `pin-refused`; what `parseKit`, registry and trust root throw.
 */
export async function pinRelease(request: PinRequest, ports: PinPorts): Promise<GitopsPinDocument> {
  const facts = await readFacts(request, ports);
  const source = sourceOf(request.source, facts.kit);
  const state = await facts.releases.record(source, request.release);
  if (state.state !== 'found') {
    throw new PrimitiveError(
      'release-rejected',
      `Release ${request.release} of ${source.repository} does not count.`,
      {
        why: state.state === 'absent' ? 'There is no release record.' : state.detail,
        suggestions: ['To see what is missing, run in the code repository: primitive release verify'],
      },
    );
  }
  checkTier(state.tier, request.lane, facts.kit, request.release);
  const { record } = state;
  const images = new Map(record.components.map((component) => [component.image, component]));
  const wanted: WantedRef[] = [];
  const skipped: { readonly component: string; readonly reason: string }[] = [];
  const used = new Set<string>();
  for (const component of facts.components) {
    for (const { image, path } of component.refs) {
      const name = `${source.registry}/${image}`;
      const foreign = foreignTo(source.repository, component, facts.kit);
      if (foreign !== undefined) {
        skipped.push({ component: component.name, reason: foreign });
        continue;
      }
      const released = images.get(name);
      if (released === undefined) {
        skipped.push({ component: component.name, reason: `the release does not list ${name}` });
        continue;
      }
      used.add(name);
      const value = `${name}:${record.commit}@${released.digest}`;
      if (isSettable(component, path, request.lane, facts)) wanted.push({ component, path, value });
      else skipped.push({ component: component.name, reason: unset(component, path, request.lane) });
    }
    if (component.refs.length === 0)
      skipped.push({ component: component.name, reason: 'its component.yaml names no image of a source' });
  }
  const unwired = record.components.filter(
    ({ image }) => !used.has(image) && request.components.length === 0,
  );
  return apply(request, facts, wanted, ports, {
    origin: {
      type: 'release',
      name: record.commit,
      source: source.repository,
      record: state.digest,
      signer: describeSigner(state.signer),
    },
    skipped,
    unwired: unwired.map(({ kind, name }) => `${kind}/${name}`).sort(),
  });
}

/**
 * Copies the references of one lane to the next, or back to what the lane held at a commit, as exact texts.
 *
 * Throws as {@link pinRelease}, and `revision-unknown`, `revision-shallow` (exit 2).
 */
export async function promoteLane(request: PromoteRequest, ports: PinPorts): Promise<GitopsPinDocument> {
  const facts = await readFacts(request, ports);
  const { repository, kit, components } = facts;
  const { lane, origin } = request;
  if ('from' in origin) checkStep(origin.from, lane, kit);
  const commit = await repository.commit('from' in origin ? 'HEAD' : origin.rollback, 'history');
  const from = 'from' in origin ? origin.from : lane;
  const texts = await repository.at(commit).read(components.map((component) => laneFile(component, from)));
  const wanted: WantedRef[] = [];
  const skipped: { readonly component: string; readonly reason: string }[] = [];
  for (const component of components) {
    for (const { path } of component.refs) {
      const value = valueAt(texts.get(laneFile(component, from)), path);
      if (value !== undefined && !isSettable(component, path, lane, facts))
        skipped.push({ component: component.name, reason: unset(component, path, lane) });
      else if (value !== undefined) wanted.push({ component, path, value });
      else skipped.push({ component: component.name, reason: `${from} has no image of this component` });
    }
    if (component.refs.length === 0)
      skipped.push({ component: component.name, reason: 'its component.yaml names no image of a source' });
  }
  await refuseUnreleased(wanted, request.lane, from, facts);
  return apply(request, facts, wanted, ports, {
    origin: {
      type: 'from' in origin ? 'lane' : 'rollback',
      name: 'from' in origin ? origin.from : commit,
      source: null,
      record: null,
      signer: null,
    },
    skipped,
    unwired: [],
  });
}

/** Why a component takes no releases of a code repository; undefined if it does. Operators take those of any. */
function foreignTo(repository: string, { area, source }: GitopsComponent, kit: Kit): string | undefined {
  const owner = area === undefined ? repository : releasedBy(source, kit);
  if (owner === undefined) return `${KIT_FILE} has no code repository ${source}, its \`source\``;
  if (isSame(owner, repository)) return undefined;
  return `it is of ${owner}${source === undefined ? `, as its component.yaml has no \`source\`` : ''}`;
}

/** Values of the operators are the platform's, who says which of them a lane has; those of other components are made. */
function isSettable(component: GitopsComponent, path: YamlPath, lane: string, { texts }: Facts): boolean {
  return component.area !== undefined || hasScalar(texts.get(laneFile(component, lane)), path);
}

function unset(component: GitopsComponent, path: YamlPath, lane: string): string {
  return `${laneFile(component, lane)} has no \`${path.join('.')}\`: the platform writes it`;
}

/** Each reference is one that a release of a source lists, by a signer whom the lane takes. */
async function refuseUnreleased(
  wanted: readonly WantedRef[],
  lane: string,
  from: string,
  { kit, releases }: Facts,
): Promise<void> {
  const findings: Finding[] = [];
  for (const { component, value } of wanted) {
    const verdict = await releases.judge(value);
    if (verdict.state === 'released') checkTier(verdict.tier, lane, kit, verdict.commit);
    if (verdict.state !== 'rejected') continue;
    const message = `${component.name}: ${value}: ${verdict.reason}`;
    findings.push({ rule: 'release-rejected', level: 'error', message });
  }
  if (findings.length === 0) return;
  throw refusal('release-rejected', `References of ${from} do not count as released.`, findings);
}

async function readFacts({ lane, components: names }: LaneRequest, ports: PinPorts): Promise<Facts> {
  const root = await requireRoot(ports.cwd, 'gitops pin');
  const repository = await ports.gitops(root);
  const tree = repository.workTree;
  const text = (await tree.read([KIT_FILE])).get(KIT_FILE);
  if (text === undefined) throw noKit();
  const kit = await parseKit(text);
  const lanes = kit.lanes.map(({ name }) => name);
  if (!lanes.includes(lane)) throw unknown('lane', lane, lanes);
  const all = await readComponents(tree, kit);
  const missing = names.find((name) => !all.some((component) => component.name === name));
  if (missing !== undefined) {
    throw unknown(
      'component',
      missing,
      all.map(({ name }) => name),
    );
  }
  const components = all.filter(({ name }) => names.length === 0 || names.includes(name));
  const files = all.map((component) => laneFile(component, lane));
  const read = await tree.read([...files, LANE_TEMPLATE]);
  const template = read.get(LANE_TEMPLATE);
  const texts = new Map([...read].filter(([path]) => path !== LANE_TEMPLATE));
  return { repository, kit, components, releases: openReleases(kit, ports.sources(tree)), texts, template };
}

async function apply(
  request: LaneRequest,
  facts: Facts,
  wanted: readonly WantedRef[],
  ports: PinPorts,
  rest: Pick<GitopsPinDocument, 'origin' | 'skipped' | 'unwired'>,
): Promise<GitopsPinDocument> {
  const { lane, write } = request;
  const plan = planEdits(lane, wanted, facts);
  refuseFaults(plan, lane);
  await refuseSkippedLane(lane, plan, facts);
  refuseTornGroups(plan, facts.kit, lane);
  ports.signal.throwIfAborted();
  const written = write && plan.files.size > 0;
  if (written) {
    const { root } = facts.repository;
    const changes = [...plan.files].map(([path, { before, after }]) => ({
      path,
      before: before === undefined ? undefined : digestOf(Buffer.from(before)),
      after: { bytes: after },
    }));
    const staging = join(root, '.primitive.pin');
    await applyChanges({
      root,
      changes,
      staging,
      what: `write lane ${lane}`,
      code: 'pin',
      signal: ports.signal,
    });
  }
  return {
    schema: 'primitive.gitops-pin/v1',
    lane,
    edits: plan.edits.map((edit) => ({ ...edit, path: edit.path.join('.') })),
    ...rest,
    written,
  };
}

/** A lane takes what the lane before it, or itself, has held: its history says so, not what stands there today. */
async function refuseSkippedLane(lane: string, { edits }: EditPlan, facts: Facts): Promise<void> {
  const before = laneBefore(facts.kit, lane);
  const changed = edits.filter(({ action }) => action !== 'unchanged');
  if (before === undefined || changed.length === 0) return;
  const head = await facts.repository.commit('HEAD', 'history');
  const findings: Finding[] = [];
  for (const { component, path, after, file } of changed) {
    const held = facts.components.find(({ name }) => name === component);
    const files = held === undefined ? [] : [laneFile(held, before), file];
    const past = await Promise.all(files.map((one) => facts.repository.pastTexts(head, one)));
    if (past.flat().some((text) => valueAt(text, path) === after)) continue;
    findings.push({
      rule: 'lane-skipped',
      level: 'error',
      message: `${before} has never held ${after}`,
      path: file,
    });
  }
  if (findings.length === 0) return;
  throw refusal(
    'lane-skipped',
    `Cannot set the references of ${lane}: ${before} comes before it.`,
    findings,
    {
      suggestions: [
        `primitive gitops pin --lane ${before} …`,
        `primitive gitops promote --from ${before} --to ${lane}`,
      ],
    },
  );
}
