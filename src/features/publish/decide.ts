import type { Digest } from '../../core/digest.ts';
import type { TrustTier } from '../../repository/signers.ts';
import type { SealedImage } from './document.ts';

/** The image that a tag names. */
export type CurrentTag =
  | { readonly sealed: true; readonly image: SealedImage }
  | { readonly sealed: false; readonly digest: Digest; readonly detail: string };

/** The current target of a tag, an image or a release record, as a run sees it. */
export interface There {
  /** Of its signer; undefined if nobody signed it whom the config knows. */
  readonly tier: TrustTier | undefined;
  /** Why it cannot stand for what the run would put there; undefined if it can. */
  readonly problem: string | undefined;
  /** The release record of the commit, which the run relies on, lists another image. */
  readonly overruled?: boolean;
}

/** The decision of a run about an existing tag; `why` is the problem. */
export type Decision =
  | { readonly action: 'keep' | 'replace' }
  | { readonly action: 'conflict'; readonly why: string };

/**
 * Whether a run of this tier keeps what a tag names, replaces it, or may do neither: a trusted run replaces what no trusted
 * signer signed; an equal image gives way to the one that the record lists; all else is kept if it is equal.
 */
export function decide(run: TrustTier, { tier, problem, overruled = false }: There): Decision {
  if (run === 'trusted' && (overruled || tier !== 'trusted')) return { action: 'replace' };
  if (problem !== undefined) return { action: 'conflict', why: problem };
  return { action: overruled && tier === 'accepted' ? 'replace' : 'keep' };
}

/** The current target of a component's tag, for a run that would write an image of these inputs. */
export function imageThere(current: CurrentTag, inputDigest: string): There {
  if (!current.sealed) return { tier: undefined, problem: `an image that is not sealed: ${current.detail}` };
  const { tier, inputDigest: other } = current.image;
  const problem =
    other === inputDigest ? undefined : `a sealed image of other inputs (${other.slice(0, 12)})`;
  return { tier, problem };
}

/** Whether a run leaves what a signer of this tier sealed, although its tag would follow a record or the inputs. */
export function yieldsTo(run: TrustTier, tier: TrustTier | undefined): boolean {
  return run !== 'trusted' && tier === 'trusted';
}
