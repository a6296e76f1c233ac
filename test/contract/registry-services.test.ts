import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createProcesses } from '../../src/adapters/process.ts';
import { createRegistryClient, type RegistryClientOptions } from '../../src/oci/client.ts';
import { patientlessClock } from '../support/patientless-clock.ts';
import { type DistributionOptions, startDistribution } from '../support/services/distribution.ts';
import { dockerConfig } from '../support/services/docker-config.ts';
import { startOlareg } from '../support/services/olareg.ts';
import { type RegistryTarget, testRegistries } from './registry.ts';

testRegistries({
  'Distribution 2.8': () => distribution({ version: 2 }),
  'Distribution 3': () => distribution({ version: 3 }),
  'Distribution 3, TLS and basic authentication': () =>
    distribution({ version: 3, tls: true, auth: 'basic' }),
  'Distribution 3, TLS and tokens': () => distribution({ version: 3, tls: true, auth: 'token' }),
  'olareg, referrers API': () => olareg(true),
  'olareg, fallback index': () => olareg(false),
});

async function distribution(options: DistributionOptions): Promise<RegistryTarget> {
  const service = await startDistribution(options);
  const folder = await mkdtemp(join(tmpdir(), 'primitive-credentials-'));
  if (service.credentials) await dockerConfig(folder, service.host, service.credentials);
  const clients = connect({
    credentials: { dockerConfig: folder },
    ...(service.caFile === undefined ? {} : { caFile: service.caFile }),
  });
  return {
    ...clients,
    host: service.host,
    async [Symbol.asyncDispose]() {
      await clients.close();
      await service.stop();
      await rm(folder, { recursive: true });
    },
  };
}

async function olareg(referrers: boolean): Promise<RegistryTarget> {
  const service = await startOlareg({ referrers });
  const clients = connect({ credentials: {} });
  return {
    ...clients,
    host: service.host,
    async [Symbol.asyncDispose]() {
      await clients.close();
      await service.stop();
    },
  };
}

function connect(options: Pick<RegistryClientOptions, 'credentials' | 'caFile'>) {
  const all: RegistryClientOptions = {
    ...options,
    access: 'write',
    processes: createProcesses({}),
    clock: patientlessClock(),
  };
  const registry = createRegistryClient(all);
  const other = createRegistryClient(all);
  return { registry, other, close: () => Promise.all([registry.close(), other.close()]) };
}
