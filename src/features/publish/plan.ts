import type { Digest } from '../../core/digest.ts';
import { PrimitiveError } from '../../core/errors.ts';
import { optional } from '../../core/object.ts';
import { formatPlatform } from '../../core/platform.ts';
import type { ImageRepository, Manifest } from '../../oci/types.ts';
import type { ComponentInputs } from '../../repository/inputs.ts';
import type { RecordState } from '../../seal/record.ts';
import type { ReleaseComponent, ReleaseRecord } from '../../seal/types.ts';
import { type CurrentTag, decide, imageThere, type There } from './decide.ts';
import type {
  Baseline,
  ComponentInput,
  PlannedChannel,
  PlannedComponent,
  PlannedRecord,
  PublishPlan,
  Run,
  SealedImage,
} from './document.ts';
import type { Task } from './execution.ts';

/** One component, its inputs and what the registry holds of it. */
export interface ComponentFacts {
  readonly inputs: ComponentInputs;
  /** The target of `:<sha>` before the run. */
  readonly current?: CurrentTag;
  /** A sealed image of exactly these inputs that this run may reuse. */
  readonly baseline?: Baseline & { readonly image: SealedImage; readonly manifest: Manifest };
  /** Why no baseline was found; the report gives it as the reason for building. */
  readonly missed?: string;
}

/** Everything that planning depends on. */
export interface PublishFacts {
  readonly commit: string;
  readonly source?: string;
  readonly run: Run;
  /** Rendered; the commit first. */
  readonly tags: readonly string[];
  /** All selected components, sorted by kind, then name. */
  readonly components: readonly ComponentFacts[];
  /** False if the selection leaves components out. */
  readonly whole: boolean;
  readonly releases: ImageRepository;
  readonly commitRecord: RecordState;
  readonly channel: {
    readonly tag: string;
    readonly branch: string;
    readonly record: RecordState;
    /** Whether the commit of the channel's record is an ancestor of the commit to publish. */
    readonly behind?: 'yes' | 'no' | 'unknown';
  };
}

export interface PlanOptions {
  readonly sealOnly: boolean;
  readonly keepGoing: boolean;
}

/** A plan, and what it says of each component together with what that was read from. */
export interface PlannedPublish {
  readonly plan: PublishPlan;
  readonly tasks: readonly Task[];
}

/**
 * Decides, from facts alone, what a publish does. Pure.
 *
 * Throws `publish-selection-partial` for a part of the components without --seal-only or --keep-going, and
 * `channel-undecidable` if the history in this clone does not show whether the channel would move backward.
 */
export function planPublish(facts: PublishFacts, options: PlanOptions): PlannedPublish {
  if (!facts.whole && !options.sealOnly && !options.keepGoing) {
    throw new PrimitiveError(
      'publish-selection-partial',
      'Cannot publish a part of the components without --seal-only or --keep-going.',
      {
        why: 'A release record lists all components; tags and record are written after the last image is sealed.',
        suggestions: [
          'To build and seal a part, as in a matrix job, add --seal-only; a final plain `primitive publish` tags all of them.',
          'To tag the selected components without a release record, add --keep-going.',
          'To publish all components, omit the selection.',
        ],
      },
    );
  }
  const tasks = facts.components.map((component) => planTask(component, facts));
  const components = tasks.map(({ planned }) => planned);
  const record = planRecord(facts, components, options);
  const plan: PublishPlan = {
    schema: 'primitive.publish-plan/v1',
    commit: facts.commit,
    ...optional('source', facts.source),
    run: facts.run,
    tags: facts.tags,
    sealOnly: options.sealOnly,
    keepGoing: options.keepGoing,
    components,
    record,
    channel: planChannel(facts, record),
  };
  return { plan, tasks };
}

/** A component as a plan names it. */
export function componentInput({ component, inputDigest }: ComponentInputs): ComponentInput {
  const { kind, name, path, repository, build } = component;
  return {
    kind,
    name,
    path,
    image: repository,
    inputDigest,
    platforms: build.platforms.map(formatPlatform).sort(),
  };
}

function planTask(component: ComponentFacts, facts: PublishFacts): Task {
  const planned = planComponent(component, facts);
  const { inputs, baseline } = component;
  const isReused = baseline && 'sealed' in planned && planned.sealed.digest === baseline.manifest.digest;
  return { planned, inputs, ...(isReused ? { manifest: baseline.manifest } : {}) };
}

/** `domain/orders`. */
function idOf({ kind, name }: { readonly kind: string; readonly name: string }): string {
  return `${kind}/${name}`;
}

function planComponent(component: ComponentFacts, { run, commit }: PublishFacts): PlannedComponent {
  const { inputs, current, baseline } = component;
  const common = componentInput(inputs);
  const make = (supersedes?: Digest): PlannedComponent => {
    const replaced = supersedes === undefined ? {} : { supersedes };
    if (!baseline)
      return {
        ...common,
        ...replaced,
        action: 'build',
        reason: component.missed ?? 'no sealed image of these inputs',
      };
    const { image: sealed, manifest: _, ...found } = baseline;
    return { ...common, ...replaced, action: 'reuse', baseline: found, sealed, reason: reuseReason(found) };
  };
  if (!current) return make();
  const existing = current.sealed ? current.image.digest : current.digest;
  // The release record is the commit point: its tags follow it, even if they were moved.
  const overruled = baseline?.found === 'release' && baseline.commit === commit;
  const decision = decide(run.tier, { ...imageThere(current, inputs.inputDigest), overruled });
  if (decision.action === 'keep' && current.sealed)
    return { ...common, action: 'keep', sealed: current.image, reason: 'sealed and tagged before' };
  if (decision.action === 'conflict')
    return {
      ...common,
      action: 'conflict',
      existing,
      reason: `the tag of this commit names ${decision.why}`,
    };
  return make(existing);
}

function reuseReason({ found, commit }: Baseline): string {
  return found === 'release'
    ? `inputs unchanged since the release of ${commit?.slice(0, 12)}`
    : 'sealed before with the same inputs';
}

function planRecord(
  facts: PublishFacts,
  components: readonly PlannedComponent[],
  options: PlanOptions,
): PlannedRecord {
  const { commitRecord: existing, run } = facts;
  const base = {
    repository: facts.releases,
    tag: facts.commit,
    ...(existing.state === 'absent' ? {} : { existing: existing.digest }),
  };
  if (options.sealOnly) return { ...base, action: 'skip', reason: '--seal-only stops before the tags' };
  const decision =
    existing.state === 'absent' ? undefined : decide(run.tier, recordThere(existing, components, facts));
  if (existing.state === 'found' && decision?.action === 'conflict')
    return { ...base, action: 'conflict', reason: decision.why };
  if (!facts.whole) return { ...base, action: 'skip', reason: 'the selection leaves components out' };
  if (components.some(({ action }) => action === 'conflict'))
    return { ...base, action: 'skip', reason: 'not every component can be tagged' };
  if (!decision) return { ...base, action: 'write', reason: 'this commit has no release record' };
  if (decision.action === 'keep') return { ...base, action: 'keep', reason: 'written before' };
  if (decision.action === 'conflict') return { ...base, action: 'conflict', reason: decision.why };
  const why = existing.state === 'untrusted' ? existing.detail : 'no trusted signer wrote it';
  return { ...base, action: 'supersede', reason: `the record there does not count: ${why}` };
}

function recordThere(
  there: Exclude<RecordState, { readonly state: 'absent' }>,
  components: readonly PlannedComponent[],
  facts: PublishFacts,
): There {
  if (there.state === 'untrusted')
    return { tier: undefined, problem: `the record of this commit cannot be trusted: ${there.detail}` };
  const differing = differences(there.record, components, facts);
  const problem = `the record of this commit lists other images (${differing.join('; ')})`;
  return { tier: there.tier, problem: differing.length > 0 ? problem : undefined };
}

/** Differences between the images of a record and of a plan, with the plan's reason; empty if they agree. */
function differences(
  record: ReleaseRecord,
  components: readonly PlannedComponent[],
  { whole }: PublishFacts,
): string[] {
  const listed = new Map<string, ReleaseComponent>(record.components.map((entry) => [entry.image, entry]));
  const differing = components.flatMap((component) => {
    const digest = 'sealed' in component ? component.sealed.digest : undefined;
    const entry = listed.get(component.image);
    listed.delete(component.image);
    return digest !== undefined && entry?.digest === digest
      ? []
      : [`${idOf(component)}: ${component.reason}`];
  });
  const gone = [...listed.values()].map((entry) => `${idOf(entry)}: not among the components`);
  return whole ? [...differing, ...gone] : differing;
}

function planChannel(facts: PublishFacts, record: PlannedRecord): PlannedChannel {
  const { channel, run, commit } = facts;
  const there = channel.record;
  const from = there.state === 'found' && there.tier === 'trusted' ? there.record.commit : undefined;
  const base = {
    tag: channel.tag,
    ...optional('from', from),
    ...(there.state === 'absent' ? {} : { existing: there.digest }),
  };
  if (record.action === 'skip' || record.action === 'conflict')
    return { ...base, action: 'skip', reason: 'no release record is written' };
  if (run.tier !== 'trusted')
    return { ...base, action: 'skip', reason: 'only a trusted run moves the channel' };
  if (run.branch !== channel.branch)
    return { ...base, action: 'skip', reason: `only runs of ${channel.branch} move the channel` };
  if (from === undefined)
    return {
      ...base,
      action: 'move',
      reason: there.state === 'absent' ? 'the channel is new' : 'the record there has no trusted signer',
    };
  if (from === commit) return { ...base, action: 'keep', reason: 'the channel is at this commit' };
  if (channel.behind === 'yes') return { ...base, action: 'move', reason: `follows ${from.slice(0, 12)}` };
  if (channel.behind === 'no')
    return {
      ...base,
      action: 'skip',
      reason: `the channel is at ${from.slice(0, 12)}, which this commit does not follow (after history was rewritten on purpose: ${resetChannel(facts)})`,
    };
  throw new PrimitiveError(
    'channel-undecidable',
    `Cannot decide whether ${commit.slice(0, 12)} follows ${from.slice(0, 12)}, the commit of the channel.`,
    {
      why: 'The commit of the channel is not in this clone, even after deepening it, so the channel could move backward.',
      suggestions: [
        'Fetch it: git fetch --unshallow --filter=tree:0 origin, or `fetch-depth: 0` in the checkout step.',
        `After history was rewritten on purpose: ${resetChannel(facts)}.`,
      ],
    },
  );
}

/** How to set the channel to a commit that does not follow the one that it is at. */
function resetChannel({ releases, channel }: PublishFacts): string {
  return `delete the tag ${releases}:${channel.tag}; the next run creates it`;
}
