import { describe, expect, test } from 'vitest';
import { signatureStatement } from '../../../src/seal/statement.ts';
import { verifiedSigner } from '../../../src/seal/verified-signer.ts';
import { createVerifier } from '../../../src/seal/verifier.ts';
import { createKeySigner } from '../../support/key-signer.ts';

const statement = signatureStatement([`sha256:${'a'.repeat(64)}`]);

/** Signs with one signer after the other. */
function inTurn(...signers: ReturnType<typeof createKeySigner>[]) {
  let calls = 0;
  return {
    get calls() {
      return calls;
    },
    signer: {
      sign: (bytes: Uint8Array) => {
        const next = signers[Math.min(calls++, signers.length - 1)];
        if (!next) throw new Error('no signer');
        return next.sign(bytes);
      },
    },
  };
}

describe('a signer that looks at what it signed', () => {
  const [good, bad] = [createKeySigner(), createKeySigner()];
  const verifier = createVerifier({ keys: [good.publicKey] });

  test.each([
    ['once where it verifies', [good], 1, true],
    ['once more where it does not', [bad, good], 2, true],
    ['no third time', [bad, bad, good], 2, false],
  ])('signs %s', async (_case, signers, calls, verified) => {
    const turns = inTurn(...signers);
    const bundle = await verifiedSigner(turns.signer, verifier).sign(statement);
    expect(turns.calls).toBe(calls);
    expect((await verifier.verify(bundle)).verified).toBe(verified);
  });
});
