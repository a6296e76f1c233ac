import { Type } from 'typebox';
import type { Digest } from '../oci/types.ts';

const closed = { additionalProperties: false };
const digest = Type.Unsafe<Digest>(Type.String({ pattern: '^sha256:[0-9a-f]{64}$' }));
const name = Type.String({ minLength: 1, maxLength: 255 });

const component = Type.Object(
  {
    kind: name,
    name,
    image: Type.String({ minLength: 1, maxLength: 512, description: '<registry>/<image>' }),
    digest,
    inputDigest: Type.String({ pattern: '^[0-9a-f]{64}$' }),
    platforms: Type.Array(name, { minItems: 1 }),
    bundles: Type.Object(
      {
        signature: digest,
        provenance: digest,
        sbom: Type.Array(Type.Object({ platform: name, digest }, closed), { minItems: 1 }),
      },
      closed,
    ),
  },
  closed,
);

/** `primitive.release/v1`. Images and bundles stand in it by digest alone, so it vouches for all of them. */
export const releaseRecordSchema = Type.Object(
  {
    schema: Type.Literal('primitive.release/v1'),
    commit: Type.String({ pattern: '^([0-9a-f]{40}|[0-9a-f]{64})$' }),
    source: Type.Optional(Type.String({ maxLength: 2048 })),
    components: Type.Array(component, { minItems: 1, description: 'sorted by kind, then name' }),
  },
  closed,
);
