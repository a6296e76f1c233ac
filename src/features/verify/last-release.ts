import { PrimitiveError } from '../../core/errors.ts';
import type { Registry } from '../../oci/registry.ts';
import type { Config } from '../../repository/config.ts';
import { readRecord, releasesRepository } from '../../seal/record.ts';
import type { TrustPolicy } from '../../seal/trust.ts';
import type { BundleVerifier } from '../../seal/verifier.ts';
import type { Released } from './proto-base.ts';

/** Ports for reading the channel of the config. */
export interface ChannelPorts {
  workspace(): Promise<{ readonly config: Pick<Config, 'registry' | 'channel'> }>;
  registry(options: { readonly retryBudget: number }): Promise<Registry>;
  verifier(): Promise<BundleVerifier>;
  policy(): Promise<TrustPolicy>;
}

/** Milliseconds: without a network, a check goes on with the merge base. */
const LIMIT = 5000;

/** The commit of the newest release record of the channel, if a trusted signer has signed it. */
export async function lastRelease(ports: ChannelPorts): Promise<Released> {
  const { promise, resolve } = Promise.withResolvers<Released>();
  const timer = setTimeout(
    () => resolve({ why: `the registry does not answer in ${LIMIT / 1000} s` }),
    LIMIT,
  );
  try {
    return await Promise.race([readChannel(ports), promise]);
  } catch (error) {
    if (!(error instanceof PrimitiveError) || error.code === 'interrupted') throw error;
    return { why: `it cannot be read: ${error.code}` };
  } finally {
    clearTimeout(timer);
  }
}

async function readChannel(ports: ChannelPorts): Promise<Released> {
  const [{ config }, registry, verifier, policy] = await Promise.all([
    ports.workspace(),
    ports.registry({ retryBudget: 0 }),
    ports.verifier(),
    ports.policy(),
  ]);
  const context = { registry, verifier, policy };
  const state = await readRecord(context, releasesRepository(config.registry), config.channel.tag, config);
  if (state.state === 'found') {
    // Runs of pull requests cannot move the channel, whatever is under its tag.
    return state.tier === 'trusted'
      ? { commit: state.record.commit }
      : { why: 'it does not count: no trusted signer has signed it' };
  }
  return { why: state.state === 'absent' ? 'there is none' : `it does not count: ${state.detail}` };
}
