import type { Signer } from './types.ts';
import type { BundleVerifier } from './verifier.ts';

/**
 * A signer that verifies what it signed, and signs once more if that does not verify.
 *
 * About one genuine timestamp in 60,000 cannot be read back: the ASN.1 reader of `@sigstore/core` takes a hash that
 * happens to look like DER for DER, and writes it down in another way. A second signature has another hash. What fails
 * twice is returned as it is: attaching it reports what is wrong.
 */
export function verifiedSigner(signer: Signer, verifier: BundleVerifier): Signer {
  return {
    async sign(statement) {
      const bundle = await signer.sign(statement);
      const { verified } = await verifier.verify(bundle);
      return verified ? bundle : signer.sign(statement);
    },
  };
}
