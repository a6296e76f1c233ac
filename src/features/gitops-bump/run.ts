import type { GitopsRunDocument } from '../../dispatch/document.ts';
import { gitopsOf, type KitRequestPorts, kitRequest } from '../../dispatch/kit-request.ts';
import { limitTime } from '../../dispatch/limit.ts';
import { runDispatch, type Wait } from '../../dispatch/run.ts';

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
export function moveTo(
  lane: string,
  origin: { readonly from: string } | { readonly rollback: string },
): Move {
  return 'from' in origin
    ? { action: 'promote', lane, from: origin.from }
    : { action: 'rollback', lane, revision: origin.rollback };
}

/** File name of the kit's workflow that moves releases. */
const WORKFLOW = 'move-release.yaml';

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
 * after `local` unless one is named. Throws `gitops-not-configured` (exit 2), and what {@link runDispatch} throws.
 */
export async function runMove(
  { lane, ...move }: Move,
  { components, dryRun, wait, timeout, command }: MoveOptions,
  ports: KitRequestPorts,
): Promise<GitopsRunDocument> {
  const gitops = await gitopsOf(ports);
  const { lanes } = gitops;
  const given = {
    ...move,
    lane: lane ?? lanes.find((name) => name !== 'local') ?? lanes[0],
    components: components.length === 0 ? undefined : [...components].sort().join(','),
  };
  const rest = { choices: { lane: lanes, from: lanes }, force: false, dryRun };
  const request = await kitRequest(gitops, { workflow: WORKFLOW, contract: 'moves.json' }, given, rest);
  return runDispatch(request, wait, limitTime(ports, { timeout, dryRun, command }));
}
