import { Type } from 'typebox';
import { type DataOf, nullable, strictObject } from '../../core/schema.ts';
import { advisorySchema } from '../../kinds/advisory-report.ts';

const digest = Type.String({ pattern: '^sha256:[0-9a-f]{64}$' });
const tier = Type.Enum(['trusted', 'accepted']);

const sealed = strictObject({
  tier,
  signer: Type.String({ description: 'The identity in the certificate with its attributes, or the key.' }),
});

const image = strictObject({
  kind: nullable('Null for an image that is not sealed, if no record lists it.'),
  name: nullable('As `kind`.'),
  ref: Type.String({ description: '<registry>/<image>@<digest>, as it is deployed.' }),
  digest: Type.Union([digest, Type.Null()], { description: 'Null if the tag was not found.' }),
  inputDigest: nullable('SHA-256 of all inputs; as `kind`.'),
  platforms: Type.Array(Type.String(), { description: 'Sorted.' }),
  bundles: Type.Union(
    [
      strictObject({
        signature: digest,
        provenance: digest,
        sbom: Type.Array(strictObject({ platform: Type.String(), digest })),
      }),
      Type.Null(),
    ],
    { description: 'Manifests of the Sigstore bundles that are attached to the image.' },
  ),
  advisories: Type.Union([Type.Array(advisorySchema), Type.Null()], {
    description:
      'Faults of templates in the source of the image, by the records in primitive.yaml of the commit; with state unknown if these do not say it. Sorted by id. Null if it was not looked up: this clone does not have the commit, or no record was read.',
  }),
  seal: Type.Union([sealed, Type.Null()], {
    description: 'The weakest of its bundles; null if it was not checked, or is not sealed.',
  }),
  problem: Type.Union([strictObject({ reason: Type.String(), detail: Type.String() }), Type.Null()], {
    description:
      'Why it is not sealed. reason: absent, unsigned, untrusted, no-provenance, no-sbom, foreign, platform-missing, child-missing or broken.',
  }),
});

/** The report of `release show` and `release verify`. */
export const releaseReportSchema = strictObject({
  schema: Type.Literal('primitive.release-report/v1'),
  target: Type.String({ description: 'The record or image that was looked up.' }),
  checked: Type.Enum(['record', 'images'], {
    description:
      'record: the signature of the record alone, which vouches for what it lists; images: each image with all its bundles, too.',
  }),
  verdict: Type.Enum(['trusted', 'accepted', 'rejected'], {
    description: 'The weakest of all that was checked; rejected if one does not count.',
  }),
  required: tier,
  record: Type.Union(
    [
      strictObject({
        commit: Type.String(),
        source: nullable('The repository of the commit.'),
        digest,
        seal: sealed,
      }),
      Type.Null(),
    ],
    { description: 'Null if one image was asked for, or if the record does not count.' },
  ),
  problem: Type.Union([strictObject({ reason: Type.String(), detail: Type.String() }), Type.Null()], {
    description: 'Why the record does not count. reason: absent, unsigned, untrusted, foreign or broken.',
  }),
  images: Type.Array(image, { description: 'Sorted by kind, then name.' }),
});

/** `primitive.release-report/v1`. */
export type ReleaseReport = DataOf<typeof releaseReportSchema>;

export type ReportedImage = ReleaseReport['images'][number];
