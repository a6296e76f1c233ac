import type { Digest } from '../../core/digest.ts';
import { formatPlatform } from '../../core/platform.ts';
import type { ComponentInputs } from '../../repository/inputs.ts';
import type { Expected, Sealed } from '../../seal/inspect.ts';
import type { SealedImage } from './document.ts';

/** The image that an inspection found sealed. */
export function sealedImage(digest: Digest, state: Sealed): SealedImage {
  return {
    digest,
    inputDigest: state.inputDigest,
    tier: state.tier,
    signer: state.signer,
    bundles: state.bundles,
    platforms: state.platforms.map(formatPlatform).sort(),
  };
}

/** What must hold of an image of these inputs before it is reused. */
export function expectedImage({ component, inputDigest }: ComponentInputs): Expected {
  const { kind, name } = component;
  return {
    component: { kind, name },
    inputDigest,
    platforms: component.build.platforms.map(formatPlatform),
    checkChildren: true,
  };
}
