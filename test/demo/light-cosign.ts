/**
 * Signs as cosign does where publish asks it to, with Sigstore's library for JavaScript: cosign takes minutes to build,
 * and the demo is about what becomes of a signature.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { bundleToJSON } from '@sigstore/bundle';
import { DSSEBundleBuilder, FulcioSigner, TSAWitness } from '@sigstore/sign';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    yes: { type: 'boolean' },
    statement: { type: 'string', default: '' },
    bundle: { type: 'string', default: '' },
    'oidc-provider': { type: 'string' },
    'signing-config': { type: 'string', default: '' },
    'trusted-root': { type: 'string' },
  },
});
if (positionals[0] === 'version') console.log('GitVersion:    v3.1.3');
else await attest();

async function attest(): Promise<void> {
  const { caUrls, tsaUrls } = JSON.parse(await readFile(values['signing-config'], 'utf8'));
  const token = process.env.SIGSTORE_ID_TOKEN ?? '';
  const builder = new DSSEBundleBuilder({
    signer: new FulcioSigner({
      fulcioBaseURL: caUrls[0].url,
      identityProvider: { getToken: async () => token },
    }),
    witnesses: [new TSAWitness({ tsaBaseURL: tsaUrls[0].url })],
  });
  const bundle = await builder.create({
    data: await readFile(values.statement),
    type: 'application/vnd.in-toto+json',
  });
  await writeFile(values.bundle, JSON.stringify(bundleToJSON(bundle)));
}
