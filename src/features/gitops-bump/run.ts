import { optional } from '../../core/object.ts';
import type { GitopsRunDocument } from '../../dispatch/document.ts';
import { type KitRequestPorts, openRequest } from '../../dispatch/kit-request.ts';
import { resumeDispatch, runDispatch, type Wait } from '../../dispatch/run.ts';

/** A change of the references of one lane, which the kit's workflow makes. */
export type Move =
  | {
      readonly action: 'pin';
      readonly lane: string | undefined;
      readonly release: string;
      readonly source: string | undefined;
    }
  | { readonly action: 'promote'; readonly lane: string; readonly from: string }
  | { readonly action: 'rollback'; readonly lane: string; readonly revision: string };

/** Request of `gitops promote`. */
export function moveTo({
  lane,
  origin,
}: {
  readonly lane: string;
  readonly origin: { readonly from: string } | { readonly rollback: string };
}): Move {
  return 'from' in origin
    ? { action: 'promote', lane, from: origin.from }
    : { action: 'rollback', lane, revision: origin.rollback };
}

/** The kit's workflow that moves releases, and the file of its inputs. */
const MOVE = { workflow: 'move-release.yaml', contract: 'moves.json' };

/** How a move is asked for and followed. */
export interface MoveOptions {
  /** Names of components; empty for all. */
  readonly components: readonly string[];
  readonly dryRun: boolean;
  readonly wait: Wait;
  /** `30m`. */
  readonly timeout: string;
  /** The command that follows the same request again. */
  readonly command: string;
}

/**
 * Asks the kit's workflow for a move and follows it to the pull request of the lane. A release goes to the first lane
 * after `local` unless one is named. Throws what {@link openRequest} and {@link runDispatch}
 * throw.
 */
export async function runMove(
  { lane, ...move }: Move,
  { components, dryRun, wait, timeout, command }: MoveOptions,
  ports: KitRequestPorts,
): Promise<GitopsRunDocument> {
  const only = components.length === 0 ? undefined : [...components].sort().join(',');
  const given = { ...move, lane, components: only };
  // Which lane is the first one is read; any name stands for it.
  const known = { given: { ...given, lane: lane ?? 'first' } };
  const asking = await openRequest(ports, MOVE, { timeout, dryRun, command }, known);
  const { lanes } = asking;
  const whole = {
    ...given,
    lane: lane ?? lanes.find((name) => name !== 'local') ?? lanes[0],
    ...(move.action === 'pin' ? optional('source', move.source ?? asking.code?.own) : {}),
  };
  const choices = { lane: lanes, from: lanes, ...optional('source', asking.code?.all) };
  return runDispatch(asking.request(whole, choices), wait, asking.ports);
}

/** Follows the run of a move of before, by its id or URL. Throws what {@link openRequest} and {@link resumeDispatch} throw. */
export async function resumeMove(
  resume: string,
  { wait, timeout, command }: Pick<MoveOptions, 'wait' | 'timeout' | 'command'>,
  ports: KitRequestPorts,
): Promise<GitopsRunDocument> {
  const asking = await openRequest(ports, MOVE, { timeout, dryRun: false, command }, { resume });
  return resumeDispatch(resume, asking.request({}, {}), wait, asking.ports);
}
