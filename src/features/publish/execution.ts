import pLimit from 'p-limit';
import type { Builder, BuilderInfo } from '../../builders/builder.ts';
import type { PinnedReference } from '../../builders/dockerfile/pins.ts';
import type { DockerfileRequest } from '../../builders/dockerfile/stages.ts';
import type { Digest } from '../../core/digest.ts';
import { messageOf } from '../../core/errors.ts';
import type { Emit } from '../../core/events.ts';
import { optional } from '../../core/object.ts';
import type { Manifest } from '../../oci/types.ts';
import type { RunHooks } from '../../plugins/hooks.ts';
import type { History } from '../../repository/history.ts';
import type { ComponentInputs } from '../../repository/inputs.ts';
import type { CommitTree } from '../../repository/source-tree.ts';
import type { SealContext } from '../../seal/search.ts';
import type { SbomFormat, SbomGenerator, Signer } from '../../seal/types.ts';
import type { PlannedComponent, PublishPlan, SealedImage } from './document.ts';

/** A planned component with its inputs, which the plan does not have. */
export interface Task {
  readonly planned: PlannedComponent;
  readonly inputs: ComponentInputs;
  /** The manifest of the image to reuse, if it was read for the plan. */
  readonly manifest?: Manifest;
  /** Of what is to be built, once it was read. */
  readonly dockerfile?: DockerfileRequest;
  /** The images that the Dockerfile names, as the builder reads it. */
  readonly images?: readonly PinnedReference[];
}

/** Tools that build and describe images; each answered before the first effect. */
export interface BuildTools {
  readonly builder: Builder;
  readonly builderInfo: BuilderInfo;
  readonly sbom: SbomGenerator;
}

/** Settings of a build besides the inputs of a component. */
export interface BuildSettings {
  readonly sbomFormat: SbomFormat;
  readonly cache: { readonly from: readonly string[]; readonly to: readonly string[] };
  /** URL of the CI run, for the provenance. */
  readonly invocation?: string;
  /** A folder of this run alone; the caller removes it. */
  readonly folder: string;
  /** Builds at a time. */
  readonly parallel: number;
}

/** A plan that is being executed, and what that takes. */
export interface Execution {
  readonly plan: PublishPlan;
  /** Counts every signer that the config knows. */
  readonly seal: SealContext;
  readonly tree: CommitTree & History;
  /** Host and path that all images begin with. */
  readonly registryPrefix: string;
  readonly signer: Signer;
  /** Absent if the plan builds nothing. */
  readonly tools?: BuildTools;
  readonly settings: BuildSettings;
  readonly signal: AbortSignal;
  readonly emit: Emit;
  readonly hooks: RunHooks;
}

/** A component whose image is sealed. */
export interface SealedTask {
  readonly task: Task;
  readonly ok: true;
  readonly image: SealedImage;
  /** Absent if it must be read. */
  readonly manifest?: Manifest;
  /** The target of its tags, once they are written. */
  readonly tagged?: Tagged;
}

/** A component that failed, maybe after its image was pushed or even tagged. */
export interface FailedTask {
  readonly task: Task;
  readonly ok: false;
  readonly error: unknown;
  readonly digest?: Digest;
  /** Those written before the failure. */
  readonly tags?: readonly string[];
}

export type TaskResult = SealedTask | FailedTask;

/** The target of a component's tags. */
export interface Tagged {
  readonly image: SealedImage;
  readonly tags: readonly string[];
  /** The previous target of the tag of the commit. */
  readonly replaced?: Digest;
}

/**
 * Works on components, `most` at a time. What fails is the outcome of its component, with the digest of its image if that
 * is known before; an abort concerns all of them, and is thrown once all work has ended.
 */
export async function eachTask<Item extends { readonly task: Task }, Done>(
  items: readonly Item[],
  { most, digestOf }: { readonly most: number; readonly digestOf: (item: Item) => Digest | undefined },
  execution: Execution,
  work: (item: Item) => Promise<Done>,
): Promise<(Done | FailedTask)[]> {
  const limit = pLimit(most);
  const results = await limit.map(items, async (item): Promise<Done | FailedTask> => {
    try {
      return await work(item);
    } catch (error) {
      return { ...failedTask(item.task, error, execution), ...optional('digest', digestOf(item)) };
    }
  });
  execution.signal.throwIfAborted();
  return results;
}

/** The outcome of a component that failed; an abort is none, and is reported by none. */
export function failedTask(task: Task, error: unknown, { signal, emit }: Execution): FailedTask {
  const detail = messageOf(error);
  if (!signal.aborted)
    emit({ type: 'item', item: task.inputs.component.id, status: 'failed', state: 'failed', detail });
  return { task, ok: false, error };
}

/** Whether the plan builds anything: what the facts say of the registry is then old by the time of the tags. */
export function buildsAny({ components }: PublishPlan): boolean {
  return components.some(({ action }) => action === 'build');
}
