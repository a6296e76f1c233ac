import { PrimitiveError } from '../../core/errors.ts';
import { type Finding, refusal } from '../../core/finding.ts';
import { nearest } from '../../core/nearest.ts';
import { laneBefore } from '../../gitops/components.ts';
import type { EditPlan } from '../../gitops/edit.ts';
import { KIT_FILE } from '../../gitops/kit.ts';
import type { Kit, KitSourceRepository } from '../../gitops/kit-document.ts';

/** Throws `pin-refused` (exit 2) for references that cannot be set. */
export function refuseFaults({ faults }: EditPlan, lane: string): void {
  if (faults.length === 0) return;
  const findings = faults.map(
    ({ file, message }): Finding => ({ rule: 'pin-refused', level: 'error', message, path: file }),
  );
  throw refusal('pin-refused', `Cannot set the references of ${lane}. Nothing was written.`, findings);
}

/** Members of a lockstep group are all set, or none changes. Throws `lockstep-torn` (exit 2). */
export function refuseTornGroups({ edits }: EditPlan, { lockstep = [] }: Kit, lane: string): void {
  const findings = lockstep.flatMap((group): readonly Finding[] => {
    const own = edits.filter(({ component }) => group.includes(component));
    if (own.every(({ action }) => action === 'unchanged')) return [];
    const missing = group.filter((name) => !own.some(({ component }) => component === name));
    return missing.map((name) => ({
      rule: 'lockstep-torn',
      level: 'error',
      message: `${name} would stay behind ${group.filter((other) => other !== name).join(', ')}`,
    }));
  });
  if (findings.length === 0) return;
  throw refusal('lockstep-torn', `Cannot change a part of a lockstep group in ${lane}.`, findings, {
    suggestions: ['Name all components of the group, or omit --component.'],
  });
}

/** Throws `release-rejected` (exit 2) for a signer that the lane does not take. */
export function checkTier(tier: 'trusted' | 'accepted', lane: string, kit: Kit, commit: string): void {
  const { signers = 'trusted' } = kit.lanes.find(({ name }) => name === lane) ?? {};
  if (tier === 'trusted' || signers === 'accepted') return;
  throw new PrimitiveError('release-rejected', `Release ${commit} is not by a trusted signer.`, {
    why: `An accepted signer, such as a pull request, has sealed it, and lane ${lane} takes trusted ones.`,
    suggestions: ['Merge it, and use the release of the commit on the branch of the channel.'],
  });
}

/** Throws `lane-skipped` (exit 2) unless `from` is the lane right before `to`, and `lane-unknown`. */
export function checkStep(from: string, to: string, kit: Kit): void {
  const lanes = kit.lanes.map(({ name }) => name);
  if (!lanes.includes(from)) throw unknown('lane', from, lanes);
  const before = laneBefore(kit, to);
  if (before === from) return;
  throw new PrimitiveError('lane-skipped', `Cannot promote from ${from} to ${to}.`, {
    why:
      before === undefined
        ? `${to} takes releases as they come: no lane is before it.`
        : `${before} is the lane before ${to}.`,
    suggestions: [
      before === undefined
        ? `primitive gitops pin --lane ${to} --release SHA`
        : `primitive gitops promote --from ${before} --to ${to}`,
    ],
  });
}

/** The source of a release. Throws `source-unknown` (exit 2). */
export function sourceOf(name: string | undefined, { sources = [] }: Kit): KitSourceRepository {
  const [only, ...others] = sources;
  if (only === undefined) {
    throw new PrimitiveError('source-unknown', `${KIT_FILE} has no \`sources\`.`, {
      why: 'They define the repositories whose releases may be deployed, and their signers.',
      suggestions: [
        `In ${KIT_FILE}, with the signers of its primitive.config.yaml:\nsources:\n  - repository: OWNER/NAME\n    registry: ghcr.io/OWNER\n    trusted: […]`,
        'Then install it: primitive gitops init --update',
      ],
    });
  }
  if (name === undefined && others.length === 0) return only;
  const found = sources.find(({ repository }) => repository === name);
  if (found !== undefined) return found;
  const names = sources.map(({ repository }) => repository);
  if (name !== undefined) throw unknown('source', name, names);
  throw new PrimitiveError('source-unknown', 'Flag --source is missing.', {
    why: `${KIT_FILE} has several: ${names.join(', ')}`,
    suggestions: [`--source ${names[0]}`],
  });
}

/** `lane-unknown` and its like (exit 2), with the nearest known name. */
export function unknown(
  what: 'lane' | 'component' | 'source',
  name: string,
  known: readonly string[],
): PrimitiveError {
  const closest = nearest(name, known);
  return new PrimitiveError(
    `${what}-unknown`,
    `${what[0]?.toUpperCase()}${what.slice(1)} ${JSON.stringify(name)} is unknown.`,
    {
      why: known.length === 0 ? 'There is none.' : `Known: ${known.join(', ')}`,
      suggestions: closest === undefined ? [] : [`Did you mean ${closest}?`],
    },
  );
}

/** `kit-not-found` (exit 2). */
export function noKit(): PrimitiveError {
  return new PrimitiveError('kit-not-found', `${KIT_FILE} not found.`, {
    why: 'This command works in a GitOps repository that the kit is installed in.',
    suggestions: ['primitive -C ../gitops gitops …', 'primitive gitops init'],
  });
}
