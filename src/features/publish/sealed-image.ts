import type { Digest } from '../../core/digest.ts';
import { formatPlatform } from '../../core/platform.ts';
import type { Component } from '../../repository/component.ts';
import type { ComponentInputs } from '../../repository/inputs.ts';
import { type Expected, inspectSeal } from '../../seal/inspect.ts';
import type { SealContext } from '../../seal/search.ts';
import type { CurrentTag } from './decide.ts';

/** The image of a component under a digest that a tag names, by any signer of the context. */
export async function readTag(
  context: SealContext,
  { kind, name, repository }: Component,
  digest: Digest,
): Promise<CurrentTag> {
  const state = await inspectSeal(context, repository, digest, { component: { kind, name } });
  return state.sealed ? state : { sealed: false, digest, detail: state.detail };
}

/** Conditions for reusing an image of these inputs. */
export function expectedImage({ component, inputDigest }: ComponentInputs): Expected {
  const { kind, name } = component;
  return {
    component: { kind, name },
    inputDigest,
    platforms: component.build.platforms.map(formatPlatform),
    checkChildren: true,
  };
}
