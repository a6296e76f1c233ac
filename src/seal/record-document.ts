import { Type } from 'typebox';
import type { Digest } from '../core/digest.ts';
import { strictObject } from '../core/schema.ts';

const digest = Type.Unsafe<Digest>(Type.String({ pattern: '^sha256:[0-9a-f]{64}$' }));
const name = Type.String({ minLength: 1, maxLength: 255 });

const component = strictObject({
  kind: name,
  name,
  image: Type.String({ minLength: 1, maxLength: 512, description: '<registry>/<image>' }),
  digest,
  inputDigest: Type.String({ pattern: '^[0-9a-f]{64}$' }),
  platforms: Type.Array(name, { minItems: 1 }),
  bundles: strictObject({
    signature: digest,
    provenance: digest,
    sbom: Type.Array(strictObject({ platform: name, digest }), {
      minItems: 1,
      description: 'One per platform manifest of the index, sorted by platform.',
    }),
  }),
});

/** The record of a release. It names images and bundles by digest alone, so it vouches for all of them. */
export const releaseRecordSchema = strictObject({
  schema: Type.Literal('primitive.release/v1'),
  commit: Type.String({ pattern: '^([0-9a-f]{40}|[0-9a-f]{64})$' }),
  source: Type.Optional(
    Type.String({
      maxLength: 2048,
      description:
        'https://github.com/acme/app, or the git remote without credentials; absent if there is none.',
    }),
  ),
  components: Type.Array(component, { minItems: 1, description: 'Sorted by kind, then name.' }),
});
